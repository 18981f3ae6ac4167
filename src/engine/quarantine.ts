import type { AuditDraft } from '../core/audit/audit.ts';
import { type Hold, holdCovers } from '../core/healing/hold.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import type { Change } from '../store.ts';
import type { Engine } from './deps.ts';
import { policyOf } from './facts.ts';

export interface Quarantine {
  readonly changes: readonly Change[];
  readonly drafts: readonly AuditDraft[];
}
export const NOTHING: Quarantine = { changes: [], drafts: [] };

/**
 * A remediation ended without healing. When none of the rule's last runs on a target healed it, the rule
 * is held for that target: running it once more would only make more of the same. What could not be
 * verified counts as not healed; what failed on purpose, and drills, do not count.
 */
export async function quarantined(remediation: Remediation, engine: Engine): Promise<Quarantine> {
  if (remediation.drill) return NOTHING;
  const runs = await engine.store.runsOf(remediation.id);
  if (runs.length === 0 || runs.some(({ chaos }) => chaos)) return NOTHING;
  const targets = new Map(runs.map(({ target }) => [target.id, target.name]));
  const { after, for_ms } = policyOf(engine).quarantine;
  const now = engine.clock.now();
  const holds: Hold[] = [];
  for (const [target, name] of targets) {
    const query = { rule: remediation.rule, target, limit: after - 1 };
    const before = await engine.store.outcomesOn(query);
    if (before.length < after - 1 || before.includes('healed')) continue;
    holds.push({
      id: engine.ids.next(),
      kind: 'quarantine',
      alertname: null,
      fingerprint: null,
      episode: null,
      rule: remediation.rule,
      target,
      reason: `rule ${remediation.rule} healed ${name} in none of its last ${after} runs`,
      actor: 'autoheal',
      since: now,
      until: now + for_ms,
      ended_at: null,
    });
  }
  return {
    changes: holds.map((hold) => ({ kind: 'hold_put', hold })),
    drafts: holds.map((hold) => ({
      kind: 'hold',
      target: hold.target,
      result: 'quarantined',
      reason: 'quarantined',
      detail: { hold: hold.id, why: hold.reason, until_ms: hold.until },
    })),
  };
}

/** Ends that say nothing against another run once there is fresh evidence that the alert fires. */
const AGAIN: readonly (string | null)[] = ['stale', 'quarantined'];

/**
 * All runs of an episode that fires on ended because their evidence had grown stale, or in a quarantine that is
 * over by now: whoever released it, or waited for its end, expects that the rule is tried again.
 */
export async function mayStartAgain(
  before: readonly Remediation[],
  engine: Pick<Engine, 'store' | 'clock'>,
): Promise<boolean> {
  if (before.length === 0) return false;
  if (before.some(({ state, reason }) => state !== 'done' || !AGAIN.includes(reason))) return false;
  const isolated = before.filter(({ reason }) => reason === 'quarantined');
  if (isolated.length === 0) return true;
  const standing = await engine.store.holds(engine.clock.now());
  return !isolated.some((row) =>
    standing.some((hold) => hold.kind === 'quarantine' && isolates(hold, row)),
  );
}

function isolates(hold: Hold, row: Remediation): boolean {
  const { alertname, fingerprint, episode_id: episode, rule, plan } = row;
  return holdCovers(hold, { alertname, fingerprint, episode, rule, targets: plan?.targets ?? [] });
}
