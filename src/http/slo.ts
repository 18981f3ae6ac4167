import { z } from 'zod';
import { ActionError } from '../action.ts';
import type { SloFigure, SloStanding } from '../core/slo/standing.ts';
import { exhaustedIn } from '../core/slo/status.ts';
import { SLO_WINDOWS, SLOS } from '../core/slo-table.ts';
import type { PromSample } from '../ports.ts';
import type { HttpDeps } from './deps.ts';
import { ok, route } from './route.ts';

const PROMETHEUS_TIMEOUT_MS = 3_000;

type FigureName = keyof typeof SLO_WINDOWS;
const SERIES: Readonly<Record<FigureName, string>> = {
  burn_fast: 'autoheal:burn_fast',
  burn_slow: 'autoheal:burn_slow',
  budget_left: `autoheal:slo_budget_remaining:ratio${SLO_WINDOWS.budget_left.text}`,
};
const ERROR = 'autoheal:slo_error:ratio';
const RECORDED = `{__name__=~"${Object.values(SERIES).join('|')}|${ERROR}.+",drill="false"}`;

const Value = z.strictObject({
  window: z.string(),
  value: z.number(),
  source: z
    .enum(['prometheus', 'store'])
    .meta({ description: 'Whose word it is: `store` is what the service counted itself.' }),
  reason: z
    .string()
    .nullable()
    .meta({ description: 'Why it is not the word of Prometheus, where one is configured.' }),
});
type Value = z.output<typeof Value>;
const WindowItem = z.strictObject({
  window: z.string(),
  source: z.literal('store'),
  bad: z.int().meta({ description: 'Slices of 30 s, or events.' }),
  total: z.int(),
  covered: z
    .number()
    .meta({ description: 'The share of the window that there is data for, 0 to 1.' }),
  error: z.number().meta({
    description: 'The share that was bad; from 1h on multiplied by `covered`, as in the rules.',
  }),
  burn: z.number().meta({ description: '1 spends the error budget exactly over `period`.' }),
  prometheus: z.strictObject({ error: z.number(), burn: z.number() }).nullable().meta({
    description: 'The same as Prometheus recorded it; null: not configured, or not known.',
  }),
});
type WindowItem = z.output<typeof WindowItem>;
const SloItem = z.strictObject({
  slo: z.string(),
  summary: z.string(),
  objective_pct: z.number(),
  budget: z.number(),
  period: z.string(),
  burn_fast: Value,
  burn_slow: Value,
  budget_left: Value,
  exhausted_in_seconds: z.int().nullable().meta({
    description:
      'When the budget is spent, should `burn_fast` go on; 0: it is spent, null: never at this rate.',
  }),
  windows: z.array(WindowItem),
});

export const SLO_ROUTES = [
  route({
    method: 'GET',
    path: '/api/v1/slo',
    access: 'viewer',
    summary: "Autoheal's own objectives, how fast their error budgets burn and what is left.",
    answers: {
      200: {
        description:
          "All objectives, by the service's own count, which outlives restarts, and beside it the word of Prometheus where one is configured",
        schema: z.strictObject({ items: z.array(SloItem) }),
      },
    },
    handle: async ({ deps }) => ok({ items: await slosOf(deps) }),
  }),
];

async function slosOf(deps: HttpDeps): Promise<readonly z.output<typeof SloItem>[]> {
  const [recorded, standings] = await Promise.all([recordedValues(deps), deps.slo.standing()]);
  return SLOS.map((slo) => {
    const standing = standings.find((one) => one.slo === slo.slo);
    const [burn_fast, burn_slow, budget_left] = (
      ['burn_fast', 'burn_slow', 'budget_left'] as const
    ).map((name) => valueOf(slo.slo, name, standing, recorded)) as [Value, Value, Value];
    return {
      ...slo,
      period: SLO_WINDOWS.budget_left.text,
      burn_fast,
      burn_slow,
      budget_left,
      exhausted_in_seconds: exhaustedIn([budget_left], [burn_fast]),
      windows: (standing?.figures ?? []).map((figure) => windowOf(slo, figure, recorded)),
    };
  });
}

/** Prometheus's word first: it is what the alerts go by. */
function valueOf(
  slo: string,
  name: FigureName,
  standing: SloStanding | undefined,
  recorded: Recorded,
): Value {
  const window = SLO_WINDOWS[name].text;
  const found = recorded.find(SERIES[name], slo);
  if (found !== undefined) return { window, value: found, source: 'prometheus', reason: null };
  const burn = standing?.figures.find((figure) => figure.window === window)?.burn ?? 0;
  const value = name === 'budget_left' ? (standing?.budget_left ?? 1) : burn;
  return { window, value, source: 'store', reason: recorded.why };
}

function windowOf(
  { slo, budget }: (typeof SLOS)[number],
  figure: SloFigure,
  recorded: Recorded,
): WindowItem {
  const error = recorded.find(`${ERROR}${figure.window}`, slo);
  const prometheus = error === undefined ? null : { error, burn: error / budget };
  return { ...figure, source: 'store', prometheus };
}

interface Recorded {
  find(series: string, slo: string): number | undefined;
  /** Said where a sample is missing; null: nobody expects one. */
  readonly why: string | null;
}

async function recordedValues({ prometheus, log }: HttpDeps): Promise<Recorded> {
  try {
    const samples = await prometheus.samples(RECORDED, AbortSignal.timeout(PROMETHEUS_TIMEOUT_MS));
    const why = 'Prometheus has not recorded it: load prometheus/rules/autoheal-slo.yml';
    return { find: (series, slo) => sampleOf(samples, series, slo), why };
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    if (error.code === 'not_configured') return { find: () => undefined, why: null };
    log.warn({ err: error }, 'Prometheus did not say the SLOs');
    return { find: () => undefined, why: error.message };
  }
}

function sampleOf(samples: readonly PromSample[], series: string, slo: string): number | undefined {
  return samples.find(
    ({ labels, value }) =>
      labels['__name__'] === series && labels['slo'] === slo && Number.isFinite(value),
  )?.value;
}
