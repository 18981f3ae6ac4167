import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { until } from '../real/until.ts';
import { endingOf } from './check.ts';
import { seeded, type Random } from './random.ts';
import { CRASH_RULES } from './rules.ts';
import { send, type Sent } from './sender.ts';
import { openService, type Service } from './service.ts';

const ALERTS = 5_000;
/** Each kill costs a start, a second of CPU: 40 fit into a test run, 200 are for the night. */
const KILLS = Number(process.env['AUTOHEAL_CRASH_KILLS'] ?? 20);
const NAMES = ['Restart', 'Lease', 'Ladder'] as const;
/** Alerts of one delivery, at most. */
const GROUP_MAX = 9;
/** Groups that fire at the same time; beyond it the one that has fired longest resolves. */
const FIRING = 400;
/** Share of groups that resolve as soon as they are accepted. */
const HURRIED_SHARE = 0.1;
/** Senders at the same time. */
const LANES = 16;
/** A kill hits the start itself, within this time of the spawn, as often as this; else it comes after it. */
const START_SHARE = 0.25;
const START_MS = 900;
const LIFE_MS = 400;
const DRAINED_MS = 90_000;
const TEST_MS = 60_000 + 2 * DRAINED_MS + KILLS * 5_000;

interface Group {
  readonly alerts: readonly Sent[];
  /** Resolves as soon as it is accepted, so that it races its own healing. */
  readonly hurried: boolean;
}
/** What is on its way, and what is known to have arrived. */
interface Storm {
  readonly groups: readonly Group[];
  /** Groups that may be sent by now: the storm lasts as long as the kills do. */
  allowed: number;
  taken: number;
  readonly firing: (readonly Sent[])[];
  readonly deliveries: Set<string>;
  readonly alerts: Sent[];
}

test(
  `killed at ${KILLS} random instants of a storm of ${ALERTS} alerts: nothing accepted is lost, nothing is done twice`,
  async ({ signal, onTestFinished }) => {
    const random = seeded(process.env['AUTOHEAL_CRASH_SEED']);
    console.log(`AUTOHEAL_CRASH_SEED=${random.seed} AUTOHEAL_CRASH_KILLS=${KILLS}`);
    const began = performance.now();
    const service = await openService({ rules: CRASH_RULES });
    onTestFinished(() => service.dispose());
    const storm = stormOf(random);
    const sending = Promise.all(Array.from({ length: LANES }, () => lane(service, storm, signal)));
    sending.catch(() => undefined);

    const early = await killAgainAndAgain(service, storm, random);
    const killed_s = secondsSince(began);
    const running = await service.spawn();
    await service.ready(running);
    await sending;
    const late: string[] = [];
    const giveUp = (error: unknown) => late.push(String(error));
    const soon = { timeout_ms: DRAINED_MS };
    await until('all is acted on', () => isOver(service, ACTED), soon).catch(giveUp);
    for (const group of storm.firing) await resolve(service, storm, group, signal);
    await until('everything is done', () => isOver(service, DONE), soon).catch(giveUp);
    const { body } = await service.api('/api/v1/audit/verify');
    expect(body).toMatchObject({ ok: true });
    await running.stop();

    const ending = await endingOf(service, storm);
    // What was lost says more than that the wait for it was in vain.
    expect([...ending.broken, ...late]).toEqual([]);
    expect([storm.alerts.length, ending.stories.size]).toEqual([ALERTS, ALERTS]);
    console.log(figures(ending, { early, killed_s, all_s: secondsSince(began) }));
  },
  TEST_MS,
);

function stormOf(random: Random): Storm {
  const groups: Group[] = [];
  for (let n = 0; n < ALERTS; ) {
    const size = Math.min(ALERTS - n, 1 + random.below(GROUP_MAX));
    const alertname = NAMES[groups.length % NAMES.length] ?? 'Restart';
    const starts_at = Date.now();
    const alerts = Array.from({ length: size }, () => ({
      alertname,
      thing: `t${n++}`,
      starts_at,
    }));
    groups.push({ alerts, hurried: random.next() < HURRIED_SHARE });
  }
  return { groups, allowed: 0, taken: 0, firing: [], deliveries: new Set(), alerts: [] };
}

/** One sender: a group at a time until it is accepted, then the resolve of one that has fired for a while. */
async function lane(service: Service, storm: Storm, signal: AbortSignal): Promise<void> {
  const { groups, firing, deliveries, alerts } = storm;
  while (storm.taken < groups.length) {
    if (storm.taken >= storm.allowed) {
      await sleep(10, undefined, { signal });
      continue;
    }
    const group = groups[storm.taken++];
    if (group === undefined) return;
    deliveries.add(await send(service, 'firing', group.alerts, signal));
    alerts.push(...group.alerts);
    if (!group.hurried) firing.push(group.alerts);
    const longest = firing.length > FIRING ? firing.shift() : undefined;
    await resolve(service, storm, group.hurried ? group.alerts : longest, signal);
  }
}

async function resolve(
  service: Service,
  { deliveries }: Storm,
  group: readonly Sent[] | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (group !== undefined) deliveries.add(await send(service, 'resolved', group, signal));
}

/** @returns how many kills hit a start. */
async function killAgainAndAgain(service: Service, storm: Storm, random: Random): Promise<number> {
  const { groups } = storm;
  let early = 0;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    storm.allowed = Math.ceil((groups.length * kill) / (KILLS + 1));
    const running = await service.spawn();
    if (random.next() < START_SHARE) {
      early += 1;
      await sleep(random.below(START_MS));
    } else {
      await service.ready(running);
      await sleep(random.below(LIFE_MS));
    }
    running.signal('SIGKILL');
    expect(await running.ended).toMatchObject({ signal: 'SIGKILL' });
  }
  storm.allowed = groups.length;
  return early;
}

/** Gauges of what is under way: nothing is still to be begun. */
const ACTED =
  /^autoheal_(?:inbox_deliveries|remediations\{state="(?!done|verifying)\w+"\}) (\d+)$/gm;
/** The same, and nothing is verified or stands any more. */
const DONE = /^autoheal_(?:inbox_deliveries|leases|remediations\{state="(?!done)\w+"\}) (\d+)$/gm;

async function isOver(service: Service, gauges: RegExp): Promise<boolean> {
  const text = String((await service.api('/metrics')).body);
  const counts = [...text.matchAll(gauges)].map(([, count]) => Number(count));
  // The gauges are there, or the pattern has lost touch with the metrics.
  return counts.length > 2 && counts.every((count) => count === 0);
}

function figures(
  { stories, journal }: Awaited<ReturnType<typeof endingOf>>,
  took: { readonly early: number; readonly killed_s: string; readonly all_s: string },
): string {
  const begun = journal.filter(({ what }) => what === 'begin').length;
  const ended = journal.filter(({ what }) => what === 'end').length;
  const outcomes = Object.groupBy(
    [...stories.values()].flatMap((story) => story.remediations),
    (row) => `${row.outcome} ${row.reason}`,
  );
  const ends = Object.entries(outcomes).map(([end, rows]) => `${rows?.length} ${end}`);
  return [
    `${KILLS} kills (${took.early} of them at a start) in ${took.killed_s} s, all in ${took.all_s} s`,
    `${begun} actions and undos begun, ${begun - ended} cut off by a kill; ${ends.join(', ')}`,
  ].join('\n');
}

function secondsSince(began: number): string {
  return ((performance.now() - began) / 1_000).toFixed(1);
}
