import { budgetText, percentText } from '../slo.ts';
import { formatDuration } from '../duration.ts';
import type { SloSet } from './model.ts';
import { longWindows } from './windows.ts';

/** The objectives as a module: the service knows them without reading a file that could be missing. */
export function renderTable(set: SloSet): string {
  const [fast = 0, slow = fast] = longWindows(set);
  const period = Math.max(...set.slos.map(({ period_ms }) => period_ms));
  const rows = set.slos.flatMap(({ slo, summary, objective }) => [
    '  {',
    `    slo: ${quoted(slo)},`,
    `    summary: ${quoted(summary)},`,
    `    objective_pct: ${percentText(objective)},`,
    `    budget: ${budgetText(objective)},`,
    '  },',
  ]);
  return [
    `/** Made by \`npm run slo\` from ${set.file}. Change that, not this. */`,
    'export const SLOS = [',
    ...rows,
    '] as const;',
    '',
    '/** Windows of `autoheal:burn_fast` and `autoheal:burn_slow`, and of the error budget; ms and as written. */',
    'export const SLO_WINDOWS = {',
    ...[
      ['burn_fast', fast] as const,
      ['burn_slow', slow] as const,
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
