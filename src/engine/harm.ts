import type { AuditDraft, AuditRecord } from '../core/audit/audit.ts';
import {
  type ActedRun,
  alertsAfterRuns,
  type Harm,
  harmKey,
  type MadeChange,
  type Opening,
  undoingRules,
} from '../core/healing/harm.ts';
import type { Hold } from '../core/healing/hold.ts';
import type { Json } from '../core/json.ts';
import type { PolicyGuards } from '../core/rules/rule.ts';
import type { Change } from '../store.ts';
import { auditChange, type Engine } from './deps.ts';
import { policyOf } from './facts.ts';

const LOOK_EVERY_MS = 60_000;
/** Told again when it is still so a day later. */
const DAY_MS = 86_400_000;
/** Newest entries looked at, of each kind of question: what takes longer to read holds others up. */
const ENTRIES_MAX = 500;
/** Findings told in one look. */
const FINDINGS_MAX = 20;

export interface HarmWatch {
  /** Looks again when the last look has grown old. */
  tick(): Promise<void>;
}

/**
 * Looks in the audit log for harm that autoheal itself may do. What it finds is reported; where the
 * policy enforces it, the rules are held as well, until a person lets them go or the quarantine's time is over.
 */
export function createHarm(engine: Engine): HarmWatch {
  let looked_at = engine.clock.now();
  return {
    async tick() {
      const now = engine.clock.now();
      if (now - looked_at < LOOK_EVERY_MS) return;
      looked_at = now;
      const policy = policyOf(engine);
      const found = await look(engine, policy.harm.within_ms, now);
      if (found.length === 0) return;
      const told = await toldBefore(engine, now);
      const fresh = found.filter((harm) => {
        const enforced = told.get(harmKey(harm));
        // What was only reported is enforced once the policy says so.
        return enforced === undefined || (policy.harm.enforce && !enforced);
      });
      for (const harm of fresh.slice(0, FINDINGS_MAX)) await tell(engine, harm, policy, now);
    },
  };
}

async function look(engine: Engine, within_ms: number, now: number): Promise<readonly Harm[]> {
  const since = now - DAY_MS - within_ms;
  const page = { since, drill: false, order: 'desc', limit: ENTRIES_MAX } as const;
  const acts = await engine.store.audit({ ...page, kind: ['action_start', 'action_ok'] });
  if (acts.items.length === 0) return [];
  const began = await engine.store.audit({ ...page, kind: ['alert_firing'] });
  const oldest = began.items.at(-1);
  const known_since = began.next_cursor === null || oldest === undefined ? since : oldest.ts;
  return [
    ...undoingRules(changesOf(acts.items), within_ms),
    ...alertsAfterRuns(runsOf(acts.items), openingsOf(began.items), { within_ms, known_since }),
  ];
}

/** A start that came to a good end: it says what was found and what was wanted. */
function changesOf(acts: readonly AuditRecord[]): readonly MadeChange[] {
  const ended = new Map<string, number>();
  for (const entry of acts) if (entry.kind === 'action_ok') ended.set(placeOf(entry), entry.ts);
  return acts.flatMap((entry) => {
    const { rule, target, detail } = entry;
    const at = entry.kind === 'action_start' ? ended.get(placeOf(entry)) : undefined;
    const { observed = null, desired = null }: { observed?: Json; desired?: Json } = detail;
    if (at === undefined || rule === null || target === null || desired === null) return [];
    return [{ rule, target, observed, desired, at }];
  });
}

function placeOf({ remediation, step, target }: AuditRecord): string {
  return JSON.stringify([remediation, step, target]);
}

function runsOf(acts: readonly AuditRecord[]): readonly ActedRun[] {
  const first = new Map<string, ActedRun>();
  // Newest first: the last one said of a remediation is its first.
  for (const { kind, rule, fingerprint, remediation, ts } of acts)
    if (kind === 'action_ok' && rule !== null && fingerprint !== null && remediation !== null)
      first.set(remediation, { rule, fingerprint, at: ts });
  return [...first.values()];
}

function openingsOf(entries: readonly AuditRecord[]): readonly Opening[] {
  return entries.flatMap(({ alertname, fingerprint, ts }) =>
    alertname === null || fingerprint === null ? [] : [{ alertname, fingerprint, at: ts }],
  );
}

/** What was told within a day, and whether it was enforced; from the log, so that a restart repeats nothing. */
async function toldBefore(engine: Engine, now: number): Promise<ReadonlyMap<string, boolean>> {
  const { items } = await engine.store.audit({
    kind: ['hold'],
    result: ['suspected'],
    reason: ['harm'],
    since: now - DAY_MS,
    order: 'asc',
    limit: ENTRIES_MAX,
  });
  const told = new Map<string, boolean>();
  for (const { detail } of items) {
    const { key, enforced } = detail;
    if (typeof key === 'string') told.set(key, told.get(key) === true || enforced === true);
  }
  return told;
}

async function tell(engine: Engine, harm: Harm, policy: PolicyGuards, now: number): Promise<void> {
  const { kind, rules, target, alertname, why } = harm;
  const { enforce } = policy.harm;
  const holds = enforce ? rules.map((rule) => holdOf(engine, harm, rule, policy, now)) : [];
  const drafts: readonly AuditDraft[] = [
    {
      kind: 'hold',
      alertname,
      target,
      rule: rules.length === 1 ? (rules[0] ?? null) : null,
      result: 'suspected',
      reason: 'harm',
      detail: { key: harmKey(harm), harm: kind, rules: [...rules], why, enforced: enforce },
    },
    ...holds.map(
      (hold): AuditDraft => ({
        kind: 'hold',
        rule: hold.rule,
        target,
        result: 'quarantined',
        reason: 'harm',
        detail: { hold: hold.id, why, until_ms: hold.until },
      }),
    ),
  ];
  await engine.store.commit([
    ...holds.map((hold): Change => ({ kind: 'hold_put', hold })),
    ...drafts.map((draft) => auditChange(engine, draft)),
  ]);
  engine.metrics.harmSuspected(kind);
  engine.log.warn(
    { harm: kind, rules, target, alertname, why, enforced: enforce },
    'harm suspected',
  );
}

/** On the target where there is one; else on all that the rule touches. */
function holdOf(
  engine: Engine,
  { target, why }: Harm,
  rule: string,
  policy: PolicyGuards,
  now: number,
): Hold {
  return {
    id: engine.ids.next(),
    kind: 'quarantine',
    alertname: null,
    fingerprint: null,
    episode: null,
    rule,
    target,
    reason: `harm suspected: ${why}`,
    actor: 'autoheal',
    since: now,
    until: now + policy.quarantine.for_ms,
    ended_at: null,
  };
}
