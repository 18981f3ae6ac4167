import { readDelivery } from '../../src/core/alerts/alert.ts';
import type { AuditRecord } from '../../src/core/audit/audit.ts';
import type { Episode } from '../../src/core/alerts/episode.ts';
import type { ActionRun, Remediation } from '../../src/core/healing/remediation.ts';
import type { Lease } from '../../src/core/healing/lease.ts';
import type { AuditVerdict } from '../../src/store.ts';
import type { Model } from './harness.ts';
import type { Entry } from './journal.ts';
import { THINGS } from './rules.ts';
import { apply, newState, type State } from './state.ts';

/** What must be true once everything has settled: all is well outside, nothing fires, and time has gone by. */
export interface Ending {
  readonly journal: readonly Entry[];
  readonly audit: readonly AuditRecord[];
  readonly chain: AuditVerdict;
  readonly values: ReadonlyMap<string, unknown>;
  /** Things that are locked still. */
  readonly locked: readonly string[];
  readonly undrained: number;
}

const PAGE = 1_000;

export async function readEnding({ journal, world, life }: Model): Promise<Ending> {
  const { store } = life();
  const audit: AuditRecord[] = [];
  for (let cursor: string | undefined; ; ) {
    const more = cursor === undefined ? {} : { cursor };
    const page = await store.audit({ order: 'asc', limit: PAGE, ...more });
    audit.push(...page.items);
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
  }
  const locked: string[] = [];
  for (const name of Object.keys(THINGS)) {
    const parents = name.includes('.') ? ['thing/s'] : [];
    const holder = await store.lockHolder([{ id: `thing/${name}`, parents }], 'nobody');
    if (holder !== undefined) locked.push(`${name} by ${holder}`);
  }
  return {
    journal,
    audit,
    chain: await store.verifyAudit(1),
    values: world.values,
    locked,
    undrained: (await store.inboxDepth()).pending,
  };
}

export function looseEnds(ending: Ending): readonly string[] {
  const state = newState();
  for (const entry of ending.journal) apply(state, entry);
  const loose: string[] = [];
  if (!ending.chain.ok)
    loose.push(`the chain breaks at ${ending.chain.bad_seq}: ${ending.chain.why}`);
  for (const locked of ending.locked) loose.push(`locked still: ${locked}`);
  if (ending.undrained > 0) loose.push(`${ending.undrained} deliveries were never drained`);
  for (const { id, state: at, reason } of state.remediations.values())
    if (at !== 'done') loose.push(`remediation ${id} never ended: ${at} (${reason})`);
  loose.push(...openLeases(state, ending), ...unrestored(state, ending));
  loose.push(...stories(state, ending.audit), ...alertsWithoutStory(state, ending.audit));
  return loose;
}

/* ------------------------------------------------ leases always end */

function humanTold({ target }: Lease, audit: readonly AuditRecord[]): boolean {
  return audit.some(
    ({ kind, detail, reason }) =>
      kind === 'escalated' &&
      reason === 'revert_failed' &&
      JSON.stringify(detail['why']).startsWith(`"${target.id} `),
  );
}

function openLeases(state: State, { audit }: Ending): readonly string[] {
  return [...state.leases.values()].flatMap((lease) => {
    const { id, state: at, told_at } = lease;
    if (at === 'reverted' || at === 'superseded') return [];
    const told = at === 'failed' ? humanTold(lease, audit) : told_at !== null;
    return told ? [] : [`lease ${id} is ${at}, and no human was told`];
  });
}

/** The last holder restores the original, unless somebody else changed it, or a human decides. */
function unrestored(state: State, { values }: Ending): readonly string[] {
  return Object.entries(THINGS).flatMap(([name, first]) => {
    const id = `thing/${name}`;
    const excused =
      state.changed.has(id) ||
      [...state.leases.values()].some(
        (lease) => lease.target.id === id && lease.state !== 'reverted',
      );
    const now = values.get(name);
    return excused || now === first ? [] : [`${name} is ${String(now)}, it was ${first}`];
  });
}

/* ------------------------------------------------ one story each */

function count(audit: readonly AuditRecord[], of: Partial<AuditRecord>): number {
  const fields = Object.entries(of) as [keyof AuditRecord, unknown][];
  return audit.filter((entry) => fields.every(([name, value]) => entry[name] === value)).length;
}

/** Each episode and each remediation begins once and ends once in the audit log, in this order. */
function stories(state: State, audit: readonly AuditRecord[]): readonly string[] {
  return [
    ...[...state.episodes.values()].flatMap((each) => episodeStory(each, audit)),
    ...[...state.remediations.values()].flatMap((each) => remediationStory(each, audit)),
    ...[...state.runs.values()].flatMap((each) => runStory(each, audit)),
  ];
}

function episodeStory({ id, state }: Episode, audit: readonly AuditRecord[]): readonly string[] {
  const about = audit.filter(({ episode }) => episode === id);
  const kinds = about.map(({ kind }) => kind).filter((kind) => kind.startsWith('alert_'));
  const decided = about.some(
    ({ kind, reason }) =>
      kind === 'decision_run' || (kind === 'decision_skip' && reason === 'unmapped'),
  );
  return [
    ...(state === 'closed' ? [] : [`episode ${id} is open still`]),
    ...(kinds.join() === 'alert_firing,alert_resolved' ? [] : [`episode ${id} is ${kinds.join()}`]),
    ...(decided ? [] : [`nothing was decided about episode ${id}`]),
  ];
}

function remediationStory(
  { id, outcome }: Remediation,
  audit: readonly AuditRecord[],
): readonly string[] {
  const loose: string[] = [];
  for (const kind of ['decision_run', 'remediation_done'] as const) {
    const found = count(audit, { remediation: id, kind });
    if (found !== 1) loose.push(`remediation ${id} has ${found} entries of ${kind}`);
  }
  if (outcome === 'escalated' && count(audit, { remediation: id, kind: 'escalated' }) === 0)
    loose.push(`remediation ${id} was escalated, and no human was told`);
  return loose;
}

function runStory(run: ActionRun, audit: readonly AuditRecord[]): readonly string[] {
  const about = { remediation: run.remediation_id, step: run.step + 1, target: run.target.id };
  const starts = count(audit, { ...about, kind: 'action_start' });
  const ends =
    count(audit, { ...about, kind: 'action_ok' }) + count(audit, { ...about, kind: 'action_fail' });
  return [
    ...(run.state === 'intent' ? [`run ${run.id} has no outcome`] : []),
    ...(starts === 1 ? [] : [`run ${run.id} has ${starts} starts in the audit log`]),
    ...(ends === 1 ? [] : [`run ${run.id} has ${ends} ends in the audit log`]),
  ];
}

/** Each alert of each accepted delivery opened, carried on or closed an episode, or was set aside with a reason. */
function alertsWithoutStory(state: State, audit: readonly AuditRecord[]): readonly string[] {
  const said = new Map<string, number>();
  for (const { body } of state.deliveries) {
    const read = readDelivery(body);
    if (!read.ok) continue;
    for (const { fingerprint, status } of read.delivery.alerts) {
      const key = `${fingerprint} ${status}`;
      said.set(key, (said.get(key) ?? 0) + 1);
    }
  }
  const loose: string[] = [];
  for (const [key, times] of said) {
    const [fingerprint = '', status = ''] = key.split(' ');
    const skipped = audit.filter(
      (entry) =>
        entry.kind === 'decision_skip' &&
        entry.fingerprint === fingerprint &&
        entry.detail['status'] === status,
    ).length;
    const episodes = [...state.episodes.values()].filter(
      (each) => each.fingerprint === fingerprint,
    );
    const told =
      status === 'firing'
        ? episodes.reduce((sum, { firings }) => sum + firings, 0)
        : count(audit, { fingerprint, kind: 'alert_resolved' });
    if (skipped + told !== times)
      loose.push(
        `alert ${key}: accepted ${times} times, told ${told} times, set aside ${skipped} times`,
      );
  }
  const received = count(audit, { kind: 'webhook_received', result: 'accepted' });
  if (received !== state.deliveries.length)
    loose.push(
      `${state.deliveries.length} deliveries were accepted, ${received} are in the audit log`,
    );
  return loose;
}
