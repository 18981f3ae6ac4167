import { systemClock } from '../../src/adapters/clock.ts';
import { openSqliteStore } from '../../src/adapters/store/open.ts';
import type { ActionRun, Remediation } from '../../src/core/healing/remediation.ts';
import type { Page, Store } from '../../src/store.ts';
import { CALM, type Line, readJournal } from './journal.ts';
import type { Sent } from './sender.ts';
import type { Service } from './service.ts';

/** What the senders know for certain: these were answered with 202. */
export interface Accepted {
  readonly deliveries: ReadonlySet<string>;
  readonly alerts: readonly Sent[];
}

/** One alert's end, as the database has it. */
export interface Story {
  readonly thing: string;
  readonly episodes: number;
  readonly remediations: readonly Remediation[];
  readonly runs: readonly ActionRun[];
}

export interface Ending {
  readonly stories: ReadonlyMap<string, Story>;
  readonly journal: readonly Line[];
  /** What is not as promised, in words; none is right. */
  readonly broken: readonly string[];
}

const PAGE = 1_000;

/** Reads database and journal of a service that has stopped, and holds them against the promises. */
export async function endingOf(service: Service, accepted: Accepted): Promise<Ending> {
  const store = await openSqliteStore({
    path: service.database,
    metrics: { auditWrite: () => {} },
    clock: systemClock,
  });
  try {
    const stories = await storiesOf(store);
    const journal = readJournal(service.journal);
    const verdict = await store.verifyAudit(1);
    const broken = [
      ...(await lostDeliveries(store, accepted)),
      ...accepted.alerts.flatMap(({ thing }) => unfinished(thing, stories.get(thing))),
      ...doneTwice(journal),
      ...unwritten(journal, stories),
      ...untold(service, stories),
      ...(await leftOver(store, journal)),
      ...(verdict.ok ? [] : [`the audit chain: ${verdict.why}`]),
    ];
    return { stories, journal, broken };
  } finally {
    await store.close();
  }
}

async function storiesOf(store: Store): Promise<ReadonlyMap<string, Story>> {
  const episodes = await all((query) => store.listEpisodes(query));
  const remediations = await all((query) => store.listRemediations(query));
  const of_episode = Map.groupBy(remediations, (row) => row.episode_id);
  const stories = new Map<string, Story>();
  for (const episode of episodes) {
    const thing = episode.labels['thing'] ?? '';
    const rows = of_episode.get(episode.id) ?? [];
    const runs = await Promise.all(rows.map((row) => store.runsOf(row.id)));
    const before = stories.get(thing);
    stories.set(thing, {
      thing,
      episodes: (before?.episodes ?? 0) + 1,
      remediations: [...(before?.remediations ?? []), ...rows],
      runs: [...(before?.runs ?? []), ...runs.flat()],
    });
  }
  return stories;
}

async function all<T>(
  list: (query: { limit: number; cursor?: string }) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const items: T[] = [];
  let page = await list({ limit: PAGE });
  items.push(...page.items);
  while (page.next_cursor !== null) {
    page = await list({ limit: PAGE, cursor: page.next_cursor });
    items.push(...page.items);
  }
  return items;
}

/** Accepted = on disk, and drained in the end. */
async function lostDeliveries(store: Store, accepted: Accepted): Promise<readonly string[]> {
  const rows = await all((query) => store.listDeliveries(query));
  const states = new Map(rows.map((row) => [row.id, row.state]));
  return [...accepted.deliveries]
    .filter((id) => states.get(id) !== 'drained')
    .map((id) => `delivery ${id} was accepted and is ${states.get(id) ?? 'lost'}`);
}

/** Each accepted alert is one episode with one remediation, and both are over. */
function unfinished(thing: string, story: Story | undefined): readonly string[] {
  if (story === undefined) return [`${thing} was accepted and has no episode`];
  const { episodes, remediations, runs } = story;
  const states = remediations.map(({ state, reason }) => `${state} (${reason})`).join(', ');
  return [
    ...(episodes === 1 ? [] : [`${thing} has ${episodes} episodes`]),
    ...(remediations.length === 1 && remediations[0]?.state === 'done'
      ? []
      : [`${thing} has these remediations: ${states}`]),
    ...runs
      .filter((run) => run.state === 'intent' || run.error === 'lost_in_crash')
      .map((run) => `run ${run.id} is ${run.state} (${run.error})`),
  ];
}

/** One effect a key where repeating is not safe; the same plan each time where it is. */
function doneTwice(journal: readonly Line[]): readonly string[] {
  const effects = journal.filter(({ what }) => what === 'effect');
  const restarts = effects.filter(({ action }) => action === 'restart');
  const again = [...Map.groupBy(restarts, ({ key }) => key)].filter(([, of]) => of.length > 1);
  const plans = Map.groupBy(
    journal.filter(({ to }) => to !== undefined),
    ({ key }) => key,
  );
  const moved = [...plans].filter(
    ([, of]) => new Set(of.map(({ from, to }) => `${from} -> ${to}`)).size > 1,
  );
  return [
    ...again.map(([key, of]) => `${key} was restarted ${of.length} times`),
    ...moved.map(([key]) => `${key} was begun again with another plan`),
  ];
}

/** Nothing is touched without an intent on disk, and what is told as done was done. */
function unwritten(
  journal: readonly Line[],
  stories: ReadonlyMap<string, Story>,
): readonly string[] {
  const runs = new Map([...stories.values()].flatMap((story) => story.runs.map((r) => [r.id, r])));
  const begun = new Set(journal.map(({ key }) => key));
  const effects = new Set(journal.flatMap((line) => (line.what === 'effect' ? [line.key] : [])));
  const of_flags = (run: ActionRun) => run.action === 'set_flag';
  return [
    ...[...begun]
      .filter((key) => !runs.has(key) && !key.endsWith('/revert'))
      .map((key) => `${key} was begun without an intent`),
    ...[...runs.values()]
      .filter((run) => run.state === 'ok' && !of_flags(run) && !effects.has(run.id))
      .map((run) => `run ${run.id} is told as done and was not`),
  ];
}

/** Every escalation reached a human, at least once. */
function untold(service: Service, stories: ReadonlyMap<string, Story>): readonly string[] {
  const told = new Set(
    service.pager.posts.map(({ body }) => {
      const post = JSON.parse(body) as { remediation?: string };
      return post.remediation;
    }),
  );
  return [...stories.values()]
    .flatMap((story) => story.remediations)
    .filter((row) => row.outcome === 'escalated' && !told.has(row.id))
    .map((row) => `remediation ${row.id} is escalated, and nobody was told`);
}

/** Everything temporary is undone. */
async function leftOver(store: Store, journal: readonly Line[]): Promise<readonly string[]> {
  const values = new Map(
    journal.flatMap(({ what, target, to }) =>
      what === 'effect' && to !== undefined ? [[target, to] as const] : [],
    ),
  );
  const leases = await store.activeLeases();
  return [
    ...leases.map(({ target, state }) => `the lease on ${target.id} is still ${state}`),
    ...[...values]
      .filter(([, value]) => value !== CALM)
      .map(([target, value]) => `${target} is still ${value}`),
  ];
}
