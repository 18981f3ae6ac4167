import { AutohealError } from '../core/errors.ts';
import type { Episode } from '../core/alerts/episode.ts';
import type { RemediationState } from '../core/healing/remediation.ts';
import { covers } from './labels.ts';
import type { Rehearsal } from './rehearsal.ts';
import type { OperatorDeed } from './test-schema.ts';

const LIVE: readonly RemediationState[] = ['ready', 'waiting', 'acting', 'verifying', 'escalating'];
/** Rows that one deed is about at most; a test has far fewer. */
const ROWS_MAX = 1_000;

/** What a person does, by the same doors as the API. @throws AutohealError as those. */
export async function doDeed(deed: OperatorDeed, rehearsal: Rehearsal): Promise<void> {
  for (const [key, act] of Object.entries(DEEDS))
    if (deed[key as keyof OperatorDeed] !== undefined) await act(deed, rehearsal);
}

type Act = (deed: OperatorDeed, rehearsal: Rehearsal) => Promise<unknown>;

const DEEDS: Readonly<Partial<Record<keyof OperatorDeed, Act>>> = {
  pause: (deed, rehearsal) =>
    rehearsal.engine.operator.pause({
      actor: deed.as,
      reason: deed.pause ?? '',
      until: untilOf(deed, rehearsal),
    }),
  resume: ({ as }, { engine }) => engine.operator.resume({ actor: as }),
  approve: (deed, rehearsal) => answer(deed, 'grant', deed.reason, rehearsal),
  deny: (deed, rehearsal) => answer(deed, 'deny', deed.deny ?? '', rehearsal),
  hold: (deed, rehearsal) => {
    const { rule = null, target = null, alertname = null } = deed.hold ?? {};
    return rehearsal.machine.holds.place({
      kind: 'hold',
      rule,
      target,
      alertname,
      fingerprint: null,
      episode: null,
      actor: deed.as,
      reason: deed.reason,
      until: untilOf(deed, rehearsal),
    });
  },
  async unhold({ as, reason }, { machine }) {
    const standing = some(await machine.holds.standing(), 'no hold stands');
    for (const { id } of standing) await machine.holds.end(id, { actor: as, reason });
  },
  async ack(deed, rehearsal) {
    const episodes = await openEpisodes(rehearsal);
    const meant = episodes.filter(({ labels }) => covers(labels, deed.ack ?? {}));
    for (const { id } of some(meant, `nothing fires with ${JSON.stringify(deed.ack)}`))
      await rehearsal.machine.holds.acknowledge({
        episode: id,
        actor: deed.as,
        reason: deed.reason,
        until: untilOf(deed, rehearsal),
      });
  },
  async cancel({ as, cancel = '' }, { engine, machine }) {
    const pages = await Promise.all(
      LIVE.map((state) => engine.store.listRemediations({ state, limit: ROWS_MAX })),
    );
    const live = pages.flatMap(({ items }) => items);
    for (const { id } of some(live, 'nothing is under way'))
      await machine.operations.cancel(id, { actor: as, reason: cancel });
  },
  async undo({ as, undo = '' }, { engine, machine }) {
    const leases = await engine.store.activeLeases();
    const holders = leases.flatMap((lease) => lease.holders.slice(-1));
    const ids = [...new Set(holders.map((holder) => holder.remediation_id))];
    for (const remediation_id of some(ids, 'nothing temporary stands'))
      await machine.operations.undo(remediation_id, { actor: as, reason: undo });
  },
  async set_flag({ as, reason, set_flag = {} }, { flags }) {
    for (const [flag, value] of Object.entries(set_flag))
      await flags.set(flag, value, { actor: as, reason });
  },
  async run({ as, reason, run = '' }, rehearsal) {
    for (const { fingerprint } of some(await openEpisodes(rehearsal), 'nothing fires'))
      await rehearsal.machine.operations.run({ rule: run, fingerprint, actor: as, reason });
  },
};

async function answer(
  { as }: OperatorDeed,
  say: 'grant' | 'deny',
  reason: string,
  { machine }: Rehearsal,
): Promise<void> {
  const open = some(await machine.approvals.open(), 'nobody asks for an approval');
  for (const { remediation_id, plan_hash } of open)
    await machine.approvals[say](remediation_id, { actor: as, reason, plan_hash, role: 'admin' });
}

function untilOf(deed: OperatorDeed, rehearsal: Rehearsal): number | null {
  return deed.for === undefined ? null : rehearsal.now() + deed.for;
}

async function openEpisodes({ engine }: Rehearsal): Promise<readonly Episode[]> {
  return (await engine.store.listEpisodes({ state: 'open', limit: ROWS_MAX })).items;
}

/** A deed that is about nothing is a mistake in the test. */
function some<T>(found: readonly T[], otherwise: string): readonly T[] {
  if (found.length > 0) return found;
  throw new AutohealError('conflict', otherwise);
}
