import { AutohealError } from '../core/errors.ts';
import { type Hold, holdStands } from '../core/healing/hold.ts';
import { isoTime } from '../core/time.ts';
import type { HoldBoard } from './api.ts';
import { auditChange, type Engine } from './deps.ts';

/** Holds that may stand at once: more than anybody places by hand. */
export const HOLDS_MAX = 1_000;

/** Holds, acknowledgements and quarantines: placed and ended by people, quarantines placed by autoheal. */
export function createHolds(engine: Engine): HoldBoard {
  async function place(draft: Parameters<HoldBoard['place']>[0]): Promise<Hold> {
    const { actor, reason, until, kind } = draft;
    const { alertname, fingerprint, episode, rule, target } = draft;
    const about = { alertname, fingerprint, episode, rule, target };
    if (Object.values(about).every((value) => value === null))
      throw new AutohealError(
        'invalid_request',
        'a hold names an alertname, fingerprint, episode, rule or target; pause stops everything',
      );
    const now = engine.clock.now();
    // However much autoheal has quarantined, people can place theirs.
    const placed = (await engine.store.holds(now)).filter(({ kind: of }) => of !== 'quarantine');
    if (placed.length >= HOLDS_MAX)
      throw new AutohealError('conflict', `${HOLDS_MAX} holds stand already: end some first`);
    const hold: Hold = {
      ...about,
      id: engine.ids.next(),
      kind,
      reason,
      actor,
      since: now,
      until,
      ended_at: null,
    };
    await engine.store.commit([
      { kind: 'hold_put', hold },
      entry(hold, kind, actor, reason, engine),
    ]);
    engine.log.info({ hold: hold.id, kind, actor, reason }, 'held');
    return hold;
  }

  async function end(id: string, by: { actor: string; reason: string }): Promise<Hold> {
    const now = engine.clock.now();
    const hold = await engine.store.hold(id);
    if (hold === undefined) throw new AutohealError('not_found', 'no hold has this id');
    if (!holdStands(hold, now)) throw new AutohealError('conflict', 'this hold is over already');
    const ended: Hold = { ...hold, ended_at: now };
    await engine.store.commit([
      { kind: 'hold_put', hold: ended },
      { kind: 'waiting_wake', reasons: ['held'] },
      entry(ended, hold.kind === 'ack' ? 'unack' : 'unhold', by.actor, by.reason, engine),
    ]);
    engine.log.info({ hold: id, kind: hold.kind, ...by }, 'hold ended');
    return ended;
  }

  return {
    place,
    end,
    async acknowledge({ episode, actor, reason, until }) {
      const found = await engine.store.episode(episode);
      if (found === undefined) throw new AutohealError('not_found', 'no episode has this id');
      if (found.state === 'closed')
        throw new AutohealError('conflict', 'this alert is over: there is nothing to acknowledge');
      const { alertname, fingerprint } = found;
      const about = { alertname, fingerprint, episode, rule: null, target: null };
      return place({ ...about, kind: 'ack', actor, reason, until });
    },
    standing: () => engine.store.holds(engine.clock.now()),
  };
}

function entry(
  hold: Hold,
  kind: 'hold' | 'unhold' | 'ack' | 'unack' | 'quarantine',
  actor: string,
  reason: string,
  engine: Engine,
) {
  const { alertname, fingerprint, episode, rule, target } = hold;
  return auditChange(engine, {
    alertname,
    fingerprint,
    episode,
    rule,
    target,
    kind: kind === 'quarantine' ? 'hold' : kind,
    actor,
    reason,
    result: hold.kind,
    detail: { hold: hold.id, until: hold.until === null ? null : isoTime(hold.until) },
  });
}
