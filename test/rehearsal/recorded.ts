import { createHash } from 'node:crypto';
import { catalogueFor, compileAll } from '../../src/engine/compile.ts';
import type { RuleText } from '../../src/core/rules/rule-compile.ts';
import type { RuleSet } from '../../src/core/rules/rule.ts';
import { rehearsalParts } from '../../src/cli/author/rehearsal-parts.ts';
import { type LaneOptions, openLane } from '../../src/rehearsal/backtest/lane.ts';
import {
  createFilter,
  type Filter,
  type RecordedDelivery,
} from '../../src/rehearsal/backtest/filter.ts';
import type { Tally } from '../../src/rehearsal/backtest/tally.ts';

/** Records and rule sets for tests of the backtest. */

export const START = Date.parse('2026-03-01T00:00:00Z');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export const PARTS = await rehearsalParts();

export function ruleText(name: string, text: string): RuleText {
  const hash = createHash('sha256').update(text).digest('hex');
  return { file: `rules/${name}.yaml`, text, hash };
}

/** Restarts the container that the alert names. */
export function restarts(name: string, guard: string, verify = '{ within: 10m, resolved: true }') {
  return ruleText(
    name,
    `name: ${name}
summary: Restart it.
matchers: ['alertname="${name}"', 'container=~".+"']
steps:
  - action: restart_container
    with: { container: '{{ labels.container }}' }
    verify: ${verify}
guard: ${guard}
`,
  );
}

export async function compiled(rules: readonly RuleText[]): Promise<RuleSet> {
  const found = await compileAll({
    files: { read: async () => ({ rules, policy: null }) },
    catalogueOf: catalogueFor(PARTS.actions),
    clock: { now: () => START, sleep: async () => undefined },
  });
  if (!found.ok) throw new Error(found.rendered);
  return found.set;
}

export interface Said {
  readonly name: string;
  readonly container?: string;
  readonly pod?: string;
  readonly status?: 'firing' | 'resolved';
  readonly from: number;
}

/** One delivery with these alerts, `at` after the start. */
export function delivered(at: number, ...alerts: readonly Said[]): RecordedDelivery {
  const list = alerts.map(({ name, container, pod, status = 'firing', from }) => ({
    status,
    labels: { alertname: name, ...(container && { container }), ...(pod && { pod }) },
    annotations: {},
    startsAt: new Date(START + from).toISOString(),
    endsAt: status === 'resolved' ? new Date(START + at).toISOString() : '0001-01-01T00:00:00Z',
  }));
  const body = JSON.stringify({
    version: '4',
    status: 'firing',
    receiver: 'autoheal',
    alerts: list,
  });
  return { at: START + at, source: 'alertmanager', body: Buffer.from(body) };
}

export async function played(
  record: readonly RecordedDelivery[],
  rules: readonly RuleText[],
  options: Partial<LaneOptions> & { readonly filter?: Filter } = {},
): Promise<Tally> {
  const { filter, ...rest } = options;
  const lane = openLane({ ...PARTS, rules, policy: null, mode: 'auto', world: {}, ...rest });
  for (const delivery of record) {
    const kept = filter === undefined ? delivery : filter.sift(delivery);
    if (kept !== undefined) await lane.take(kept);
  }
  return lane.finish();
}

export async function filterFor(...sets: readonly (readonly RuleText[])[]): Promise<Filter> {
  return createFilter(await Promise.all(sets.map(compiled)));
}

/** crm-api fails every ten minutes for a morning, and is well again after three; noise beside it. */
export function morning(failures: number): readonly RecordedDelivery[] {
  return Array.from({ length: failures }, (_, n) => {
    const from = n * 10 * MINUTE;
    const crm = { name: 'CrmDown', container: 'crm-api', from };
    const noise = { name: 'DiskFull', pod: `db-${n % 3}`, from };
    return [
      delivered(from, crm, noise),
      delivered(from + 3 * MINUTE, { ...crm, status: 'resolved' }, noise),
      delivered(from + 4 * MINUTE, { ...noise, status: 'resolved' }),
    ];
  }).flat();
}

/** Twenty alerts of one container come and go together, again and again, for a day. */
export function storm(rounds: number): readonly RecordedDelivery[] {
  return Array.from({ length: rounds }, (_, n) => {
    const from = n * HOUR;
    const all = Array.from({ length: 20 }, (_each, at) => ({
      name: at % 2 === 0 ? 'CrmDown' : 'CrmSlow',
      container: 'crm-api',
      pod: `p-${at}`,
      from,
    }));
    const ended = all.map((one) => ({ ...one, status: 'resolved' as const }));
    return [
      delivered(from, ...all),
      delivered(from + 5 * MINUTE, ...all.slice(0, 7)),
      delivered(from + 7 * MINUTE, ...ended.slice(0, 6)),
      delivered(from + 21 * MINUTE, ...ended.slice(6, 18)),
      delivered(from + 50 * MINUTE, ...ended.slice(18)),
    ];
  }).flat();
}
