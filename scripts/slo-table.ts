import { formatDuration } from '../src/core/duration.ts';
import { budgetOf, objectiveOf, type SloFile } from '../src/core/slo.ts';

/** The objectives as a module: the service knows them without reading a file that could be missing. */
export function renderTable({ slos, burns, period }: SloFile): string {
  const slow = burns.slow[0] ?? burns.fast;
  const rows = Object.entries(slos).flatMap(([name, slo]) => [
    '  {',
    `    slo: ${quoted(name)},`,
    `    summary: ${quoted(slo.summary)},`,
    `    objective_pct: ${objectiveOf(slo)},`,
    `    budget: ${budgetOf(slo)},`,
    '  },',
  ]);
  return [
    '/** Made by `npm run slo` from prometheus/slos.yaml. Change that, not this. */',
    'export const SLOS = [',
    ...rows,
    '] as const;',
    '',
    '/** Windows of `autoheal:burn_fast` and `autoheal:burn_slow`, and of the error budget; ms and as written. */',
    'export const SLO_WINDOWS = {',
    ...[
      ['burn_fast', burns.fast.long] as const,
      ['burn_slow', slow.long] as const,
      ['budget_left', period] as const,
    ].map(
      ([name, ms]) => `  ${name}: { ms: ${grouped(ms)}, text: ${quoted(formatDuration(ms))} },`,
    ),
    '} as const;',
    '',
  ].join('\n');
}

function quoted(text: string): string {
  if (!text.includes("'")) return `'${text.replaceAll('\\', '\\\\')}'`;
  return JSON.stringify(text);
}

function grouped(ms: number): string {
  return String(ms).replace(/\B(?=(\d{3})+$)/g, '_');
}
