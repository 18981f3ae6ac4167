import { z } from 'zod';
import { ActionError } from '../action.ts';
import { stepOutcomes } from '../core/slo-steps.ts';
import { burnRate } from '../core/slo.ts';
import { SLO_WINDOWS, SLOS } from '../core/slo-table.ts';
import type { AuditRecord } from '../core/audit/audit.ts';
import type { PromSample } from '../ports.ts';
import type { HttpDeps } from './deps.ts';
import { ok, route } from './route.ts';

/** Entries of the audit log that one answer looks at for one window; beyond it Prometheus has to say. */
const AUDIT_ENTRIES_MAX = 5_000;
const AUDIT_PAGE = 1_000;
const PROMETHEUS_TIMEOUT_MS = 3_000;

type Figure = keyof typeof SLO_WINDOWS;
const SERIES: Readonly<Record<Figure, string>> = {
  burn_fast: 'autoheal:burn_fast',
  burn_slow: 'autoheal:burn_slow',
  budget_left: `autoheal:slo_budget_remaining:ratio${SLO_WINDOWS.budget_left.text}`,
};
const RECORDED = `{__name__=~"${Object.values(SERIES).join('|')}",drill="false"}`;

const Value = z.strictObject({
  window: z.string(),
  value: z.number().nullable(),
  source: z.enum(['prometheus', 'audit']).nullable(),
  reason: z.string().nullable(),
});
type Value = z.output<typeof Value>;
const SloItem = z.strictObject({
  slo: z.string(),
  summary: z.string(),
  objective_pct: z.number(),
  budget: z.number(),
  period: z.string(),
  burn_fast: Value,
  burn_slow: Value,
  budget_left: Value,
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
          'All objectives; a figure that nobody can honestly give is null, with the reason',
        schema: z.strictObject({ items: z.array(SloItem) }),
      },
    },
    handle: async ({ deps }) => ok({ items: await slosOf(deps) }),
  }),
];

async function slosOf(deps: HttpDeps): Promise<readonly z.output<typeof SloItem>[]> {
  const recorded = await recordedValues(deps);
  return Promise.all(
    SLOS.map(async (slo) => ({
      ...slo,
      period: SLO_WINDOWS.budget_left.text,
      burn_fast: await figureOf(deps, slo, 'burn_fast', recorded),
      burn_slow: await figureOf(deps, slo, 'burn_slow', recorded),
      budget_left: await figureOf(deps, slo, 'budget_left', recorded),
    })),
  );
}

/** Prometheus's word first: it counts with the gaps. The audit log is whole, but knows only the steps. */
async function figureOf(
  deps: HttpDeps,
  { slo, budget }: (typeof SLOS)[number],
  figure: Figure,
  recorded: Recorded,
): Promise<Value> {
  const window = SLO_WINDOWS[figure].text;
  const series = SERIES[figure];
  const found = recorded.samples.find(
    ({ labels }) => labels['__name__'] === series && labels['slo'] === slo,
  );
  if (found !== undefined)
    return { window, value: found.value, source: 'prometheus', reason: null };
  if (slo === 'action_success' && figure !== 'budget_left')
    return { window, ...(await burnOfSteps(deps, budget, SLO_WINDOWS[figure].ms)) };
  const reason = `${recorded.why}; ask it for ${series}{slo="${slo}"}`;
  return { window, value: null, source: null, reason };
}

interface Recorded {
  readonly samples: readonly PromSample[];
  /** Said where a sample is missing. */
  readonly why: string;
}

async function recordedValues({ prometheus, log }: HttpDeps): Promise<Recorded> {
  try {
    const samples = await prometheus.samples(RECORDED, AbortSignal.timeout(PROMETHEUS_TIMEOUT_MS));
    return {
      samples: samples.filter(({ value }) => Number.isFinite(value)),
      why: 'Prometheus has not recorded it: load prometheus/rules/autoheal-slo.yml',
    };
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    if (error.code !== 'not_configured')
      log.warn({ err: error }, 'Prometheus did not say the SLOs');
    return { samples: [], why: error.message };
  }
}

async function burnOfSteps(
  deps: HttpDeps,
  budget: number,
  window_ms: number,
): Promise<Omit<Value, 'window'>> {
  const entries = await endsOfSteps(deps, deps.clock.now() - window_ms);
  if (entries === undefined)
    return {
      value: null,
      source: null,
      reason: `more than ${AUDIT_ENTRIES_MAX} steps in this time; set AUTOHEAL_PROMETHEUS_URL`,
    };
  const { bad, total } = stepOutcomes(entries);
  return { value: burnRate(bad, total, budget), source: 'audit', reason: null };
}

/** Every end of an action since then, drills left out; undefined when there are too many to look at. */
async function endsOfSteps(
  { store }: HttpDeps,
  since: number,
): Promise<readonly AuditRecord[] | undefined> {
  const entries: AuditRecord[] = [];
  let cursor: string | null | undefined;
  while (cursor !== null) {
    const page = await store.audit({
      kind: ['action_ok', 'action_fail'],
      drill: false,
      since,
      order: 'desc',
      limit: AUDIT_PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    entries.push(...page.items);
    if (entries.length > AUDIT_ENTRIES_MAX) return undefined;
    cursor = page.next_cursor;
  }
  return entries;
}
