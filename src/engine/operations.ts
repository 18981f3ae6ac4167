import { AutohealError } from '../core/errors.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import type { Rule } from '../core/rules/rule.ts';
import { type Change, ConflictError } from '../store.ts';
import type { Operations } from './api.ts';
import { newRemediation } from './new-remediation.ts';
import { auditChange, type Engine } from './deps.ts';
import { auditOfRemediation } from './work.ts';

/**
 * What operators do to single remediations: start one by hand, want no further step, undo what is temporary.
 * None of them goes around a guard. `poke`: there is work for the worker.
 */
export function createOperations(engine: Engine, poke: () => void): Operations {
  return {
    async run({ rule, fingerprint, actor, reason }) {
      const found = engine.rulebook.current()?.rules.find(({ name }) => name === rule);
      if (found === undefined) throw new AutohealError('not_found', `no rule is named ${rule}`);
      const episode = (await engine.store.latestEpisodes([fingerprint])).get(fingerprint);
      if (episode?.state !== 'open')
        throw new AutohealError('conflict', `no alert with the fingerprint ${fingerprint} fires`);
      await refuseTwice(found, episode.id, engine);
      const remediation = { ...newRemediation(engine, episode, found), started_by: actor };
      await engine.store.commit([
        { kind: 'remediation_add', remediation },
        auditChange(engine, {
          ...auditOfRemediation(remediation),
          kind: 'decision_run',
          actor,
          reason,
          result: 'by_hand',
          detail: { rule_hash: found.hash, steps: found.steps.map(({ action }) => action) },
        }),
      ]);
      poke();
      return remediation;
    },

    async cancel(id, { actor, reason }) {
      const remediation = await existing(id, engine);
      const cancel = { actor, reason, at: engine.clock.now() };
      try {
        await engine.store.commit([
          { kind: 'remediation_cancel', id, cancel },
          auditChange(engine, {
            ...auditOfRemediation(remediation),
            kind: 'decision_skip',
            actor,
            reason,
            result: 'cancel_requested',
          }),
        ]);
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
        throw new AutohealError('conflict', 'this remediation is done: there is nothing to cancel');
      }
      poke();
      return { ...remediation, cancel };
    },

    async undo(id, { actor, reason }) {
      const remediation = await existing(id, engine);
      const leases = (await engine.store.activeLeases()).filter(({ holders }) =>
        holders.some((holder) => holder.remediation_id === id),
      );
      if (leases.length === 0)
        throw new AutohealError(
          'conflict',
          'nothing temporary of this remediation stands any more',
        );
      const ends = leases.map((lease): Change => ({ kind: 'lease_end', id: lease.id, by: actor }));
      await engine.store.commit([
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
