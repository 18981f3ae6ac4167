import type { ActionChange, Comparison, Pair } from './compare.ts';

/** A difference in sentences for people, what does more first. */

/** What an action did, with its target behind it; of others `run ID on`. */
const DONE: Readonly<Record<string, string>> = {
  restart_container: 'restarted',
  rollout_restart: 'restarted',
  rollout_undo: 'rolled back',
  scale_workers: 'scaled',
  set_flag: 'set',
  delete_pod: 'deleted',
  cancel_queries: 'cancelled queries on',
  http_request: 'sent a request to',
  run_command: 'run',
  notify: 'notified',
  silence: 'silenced',
};
/** More of them no person reads; the table has all. */
const SENTENCES_MAX = 20;

export function sentencesOf(
  actions: readonly ActionChange[],
  { outcomes, approvals }: Comparison['totals'],
): readonly string[] {
  const names = namesOf(actions);
  const changed = actions.filter(({ starts }) => starts.candidate !== starts.against);
  const acted = changed.map(({ action, target, starts }) =>
    sentence(`${DONE[action] ?? `run ${action} on`} ${names.get(target) ?? target}`, starts),
  );
  const { escalated, healed, refused } = outcomes;
  const rest: readonly (readonly [string, Pair])[] = [
    ['told a human that healing failed', escalated],
    ['asked for an approval', approvals],
    ['healed', healed],
    ['refused to act', refused],
  ];
  return [
    ...acted.slice(0, SENTENCES_MAX),
    ...(acted.length > SENTENCES_MAX
      ? [`${acted.length - SENTENCES_MAX} more targets differ; the table has them.`]
      : []),
    ...rest
      .filter(([, { candidate, against }]) => candidate !== against)
      .map(([done, pair]) => sentence(done, pair)),
  ];
}

function sentence(done: string, { candidate, against }: Pair): string {
  if (candidate === 0)
    return `This edit would not have ${done} at all, instead of ${times(against)}.`;
  const before = candidate > 1 && against > 1 ? String(against) : times(against);
  return `This edit would have ${done} ${times(candidate)} instead of ${before}.`;
}

function times(count: number): string {
  if (count === 0) return 'never';
  return count === 1 ? 'once' : `${count} times`;
}

/** `crm-api` for docker/crm-api, unless another target ends so too. */
function namesOf(actions: readonly ActionChange[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const seen = new Map<string, number>();
  for (const target of new Set(actions.map((one) => one.target))) {
    const name = target.slice(target.lastIndexOf('/') + 1);
    names.set(target, name);
    seen.set(name, (seen.get(name) ?? 0) + 1);
  }
  for (const [target, name] of names)
    if (name === '' || (seen.get(name) ?? 0) > 1) names.set(target, target);
  return names;
}
