import type { Episode } from '../core/alerts/episode.ts';
import { AutohealError } from '../core/errors.ts';
import type { Lease } from '../core/healing/lease.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import type { Rule } from '../core/rules/rule.ts';
import { type Change, ConflictError } from '../store.ts';
import type { Deed, Operations } from './api.ts';
import { newRemediation, prioritySaid } from './new-remediation.ts';
import { auditChange, type Engine } from './deps.ts';
import { auditOfRemediation } from './work.ts';

/**
 * What operators do to single remediations: start one by hand, want no further step, undo what is temporary.
 * None of them goes around a guard. `poke`: there is work for the worker.
 */
export function createOperations(engine: Engine, poke: () => void): Operations {
  const starting = new Set<string>();
  return {
    async run({ rule, fingerprint, actor, reason }) {
      const found = engine.rulebook.current()?.rules.find(({ name }) => name === rule);
      if (found === undefined) throw new AutohealError('not_found', `no rule is named ${rule}`);
      const episode = (await engine.store.latestEpisodes([fingerprint])).get(fingerprint);
      if (episode?.state !== 'open')
        throw new AutohealError('conflict', `no alert with the fingerprint ${fingerprint} fires`);
      const key = `${episode.id}/${rule}`;
      if (starting.has(key)) throw new AutohealError('conflict', 'it is being started already');
      // Between the look for others and the commit nobody else may look.
      starting.add(key);
      const started = begin(found, episode, { actor, reason }, engine);
      const remediation = await started.finally(() => starting.delete(key));
      poke();
      return remediation;
    },

    async cancel(id, { actor, reason }) {
      const remediation = await existing(id, engine);
      const cancel = { actor, reason, at: engine.clock.now() };
      const over = 'this remediation is done: there is nothing to cancel';
      await commitOr(over, engine, [
        { kind: 'remediation_cancel', id, cancel },
        auditChange(engine, {
          ...auditOfRemediation(remediation),
          kind: 'decision_skip',
          actor,
          reason,
          result: 'cancel_requested',
        }),
      ]);
      poke();
      return { ...remediation, cancel };
    },

    async undo(id, { actor, reason }) {
      const remediation = await existing(id, engine);
      const standing = (await engine.store.activeLeases()).filter((lease) => isHeldBy(lease, id));
      const given_up = await givenUp(id, engine);
      const leases = [...standing, ...given_up];
      if (leases.length === 0)
        throw new AutohealError(
          'conflict',
          'nothing temporary of this remediation stands any more',
        );
      const ends = leases.map((lease): Change => ({ kind: 'lease_end', id: lease.id, by: actor }));
      const taken = 'the target is leased anew: undo that remediation';
      await commitOr(taken, engine, [
        ...given_up.map((lease) => triedAgain(lease, engine)),
        ...ends,
        auditChange(engine, {
          ...auditOfRemediation(remediation),
          kind: 'lease_expired',
          actor,
          reason,
          result: 'undo_requested',
          detail: { leases: leases.map((lease) => lease.id) },
        }),
      ]);
      poke();
      return leases;
    },
  };
}

async function commitOr(
  conflict: string,
  engine: Engine,
  changes: readonly Change[],
): Promise<void> {
  try {
    await engine.store.commit(changes);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    throw new AutohealError('conflict', conflict);
  }
}

async function begin(
  rule: Rule,
  episode: Episode,
  { actor, reason }: Deed,
  engine: Engine,
): Promise<Remediation> {
  await refuseTwice(rule, episode.id, engine);
  const remediation = { ...newRemediation(engine, episode, rule), started_by: actor };
  await engine.store.commit([
    { kind: 'remediation_add', remediation },
    auditChange(engine, {
      ...auditOfRemediation(remediation),
      kind: 'decision_run',
      actor,
      reason,
      result: 'by_hand',
      detail: {
        rule_hash: rule.hash,
        steps: rule.steps.map(({ action }) => action),
        ...prioritySaid(remediation, episode, engine),
      },
    }),
  ]);
  return remediation;
}

function isHeldBy({ holders }: Lease, remediation_id: string): boolean {
  return holders.some((holder) => holder.remediation_id === remediation_id);
}

/** Leases that could not be reverted: a human was told, and nobody tries any more until an operator says so. */
async function givenUp(remediation_id: string, engine: Engine): Promise<readonly Lease[]> {
  const runs = await engine.store.runsOf(remediation_id);
  const targets = [...new Set(runs.map(({ target }) => target.id))];
  const leases = await Promise.all(targets.map((target) => engine.store.lastLease(target)));
  return leases.flatMap((lease) =>
    lease?.state === 'failed' && isHeldBy(lease, remediation_id) ? [lease] : [],
  );
}

function triedAgain(lease: Lease, engine: Engine): Change {
  const row: Lease = { ...lease, state: 'reverting', tries: 0, updated_at: engine.clock.now() };
  return { kind: 'lease_put', lease: row, release: true };
}

/** One run of a rule for an episode at a time: a second by hand would only wait for the first. */
async function refuseTwice(rule: Rule, episode_id: string, engine: Engine): Promise<void> {
  const others = await engine.store.remediationsOf(episode_id);
  const live = others.find((other) => other.rule === rule.name && other.state !== 'done');
  if (live === undefined) return;
  throw new AutohealError(
    'conflict',
    `remediation ${live.id} of rule ${rule.name} is under way for it (${live.state})`,
  );
}

async function existing(id: string, engine: Engine): Promise<Remediation> {
  const remediation = await engine.store.remediation(id);
  if (remediation === undefined) throw new AutohealError('not_found', 'no remediation has this id');
  return remediation;
}
