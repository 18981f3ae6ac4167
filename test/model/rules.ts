import { createHash } from 'node:crypto';

/** The rules of the model, as data: their text for the engine, their figures for the invariants. Durations in ms. */
export interface ModelRule {
  readonly name: string;
  readonly alertname: string;
  readonly text: string;
  readonly approve: boolean;
  readonly max_age_ms: number;
  readonly limit: Window;
  readonly limit_rule: Window | null;
}
export interface Window {
  readonly count: number;
  readonly window_ms: number;
}

const MINUTE_MS = 60_000;
/** What the ladder's first step is verified by. */
export const PROMQL = 'up > 0';

interface Draft {
  readonly name: string;
  readonly alertname: string;
  readonly steps: readonly string[];
  readonly approve?: boolean;
  readonly max_age_min?: number;
  readonly cooldown?: string;
  readonly limit?: readonly [count: number, minutes: number];
  readonly limit_rule?: readonly [count: number, minutes: number];
}

function window([count, minutes]: readonly [number, number]): Window {
  return { count, window_ms: minutes * MINUTE_MS };
}

function rule(draft: Draft): ModelRule {
  const { approve = false, max_age_min = 10, cooldown = '0s', limit = [3, 60] } = draft;
  const { limit_rule } = draft;
  const guards = [
    `cooldown: ${cooldown}`,
    `max_age: ${max_age_min}m`,
    `limit: ['${limit[0]}/${limit[1]}m']`,
    ...(limit_rule === undefined ? [] : [`limit_rule: ['${limit_rule[0]}/${limit_rule[1]}m']`]),
  ];
  return {
    name: draft.name,
    alertname: draft.alertname,
    approve,
    max_age_ms: max_age_min * MINUTE_MS,
    limit: window(limit),
    limit_rule: limit_rule === undefined ? null : window(limit_rule),
    text: `
name: ${draft.name}
summary: A rule of the model.
matchers: ['alertname="${draft.alertname}"']
mode: ${approve ? 'approve' : 'auto'}
steps:
${draft.steps.map((step) => `  - ${step}`).join('\n')}
guard: { ${guards.join(', ')} }
otherwise: page
`,
  };
}

const POKE = `{ action: poke, with: { thing: '{{ labels.thing | default "a" }}' }, verify: { within: 2m, resolved: true } }`;
function setQ(value: string, lease = '10m', verify = 'within: 30s, resolved: true'): string {
  return `{ action: set_thing, with: { thing: q, ${value} }, lease: ${lease}, verify: { ${verify} } }`;
}

/** `later`: the texts after a reload; what runs already keeps its own. */
function ruleSet(later: boolean): readonly ModelRule[] {
  return [
    rule({ name: 'asked', alertname: 'Asked', steps: [POKE], approve: true, max_age_min: 60 }),
    rule({
      name: 'capped',
      alertname: 'Capped',
      steps: [POKE],
      limit_rule: later ? [2, 20] : [1, 20],
    }),
    rule({
      name: 'down',
      alertname: 'Down',
      steps: [POKE],
      limit: [2, 10],
      cooldown: later ? '1m' : '0s',
    }),
    rule({
      name: 'ladder',
      alertname: 'Stuck',
      steps: [
        `{ action: poke, with: { thing: b }, verify: { within: 1m, promql: '${PROMQL}', for: 10s } }`,
        setQ('to: 7', '20m'),
      ],
      max_age_min: 20,
    }),
    rule({ name: 'raise', alertname: 'Backlog', steps: [setQ(later ? 'to: 9' : 'to: 4')] }),
    rule({ name: 'slow', alertname: 'Slow', steps: [setQ('to: 4', '5m')] }),
    rule({ name: 'surge', alertname: 'Surge', steps: [setQ('by: +1')] }),
  ];
}

export const RULE_SETS: readonly (readonly ModelRule[])[] = [ruleSet(false), ruleSet(true)];
export const RULES_BY_HASH: ReadonlyMap<string, ModelRule> = new Map(
  RULE_SETS.flat().map((each) => [createHash('sha256').update(each.text).digest('hex'), each]),
);

export const POLICY = `
notifiers: { page: { url: "http://127.0.0.1:1/" } }
limits: ['5/10m']
blast_radius: { total: 3, window: 10m }
quarantine: { after: 2, for: 30m }
alertmanager: { receivers: [autoheal] }
`;
export const SERVICE_LIMIT: Window = { count: 5, window_ms: 10 * MINUTE_MS };
export const BLAST: Window = { count: 3, window_ms: 10 * MINUTE_MS };

/** Things and their first values. */
export const THINGS = { a: 1, b: 1, c: 1, d: 1, e: 1, q: 2, s: 1, 's.1': 1, 's.2': 1 } as const;

/** Alerts by number: several on one target, some that share a lease, one without a rule. */
export const ALERTS: readonly Readonly<Record<string, string>>[] = [
  { alertname: 'Down', thing: 'a' },
  { alertname: 'Down', thing: 'a', region: 'eu' },
  { alertname: 'Backlog' },
  { alertname: 'Slow' },
  { alertname: 'Surge' },
  { alertname: 'Stuck' },
  { alertname: 'Capped', thing: 'c' },
  { alertname: 'Capped', thing: 'd' },
  { alertname: 'Asked', thing: 'e' },
  { alertname: 'Asked', thing: 'a' },
  { alertname: 'Down', thing: 's' },
  { alertname: 'Down', thing: 's.1' },
  { alertname: 'Down', thing: 's.2' },
  { alertname: 'Unmapped' },
];
/** Who plays together in a run: alerts that meet each other on a target, a lease or a limit. */
export const CASTS: readonly (readonly number[])[] = [
  [0, 1],
  [2, 3],
  [2, 3, 4],
  [2, 5],
  [6, 7],
  [8, 9, 0],
  [10, 11, 12],
  [0, 5, 6],
  [2, 0, 8, 13],
  [0, 2, 3, 5, 6, 8],
];

/** The rules that a cast needs: compiling all of them costs more than a play does. */
export function rulesFor(set: number, cast: readonly number[]): readonly ModelRule[] {
  const names = new Set(cast.map((alert) => ALERTS[alert]?.['alertname']));
  return (RULE_SETS[set] ?? []).filter(({ alertname }) => names.has(alertname));
}
