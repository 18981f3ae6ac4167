import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpuMs, cpuUsEach, load, median, type Server } from './processes.ts';
import { paced } from './paced.ts';
import { say, table } from './print.ts';
import { startAutoheal, startWebhook } from './servers.ts';

const SETTLE_MS = 60_000;
const GOAL_TIMES = 5;

/** Alerts accepted, acted on and recorded, against Debian's `webhook` running a command that does nothing either. */
export async function benchActed(rounds: number, amount: number): Promise<void> {
  const webhook = programOf('webhook');
  say(
    'Acted: alerts a second from first post to last action, each accepted, acted on and (ours) audited',
  );
  if (webhook === undefined)
    say('  skipped: no program `webhook` on PATH (Debian package webhook)');
  const rows: string[][] = [];
  for (const connections of [1, 10, 50]) {
    const ours: Acted[] = [];
    const theirs: Acted[] = [];
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await actedRate(() => startAutoheal(true), oursDone, connections, amount));
      if (webhook !== undefined)
        theirs.push(await actedRate(() => startWebhook(webhook), theirsDone, connections, amount));
    }
    rows.push([`${connections}`, ...compared(ours, theirs)]);
  }
  table(
    [
      'connections',
      'autoheal/s',
      'webhook/s',
      'times',
      'goal',
      'autoheal CPU us',
      'webhook CPU us',
      'times',
    ],
    rows,
  );
  await benchStart(webhook);
}

/** A second, and CPU us for each, commands that were run among it. */
interface Acted {
  readonly rate: number;
  readonly cpu_us: number;
}

function rateOf({ rate }: Acted): number {
  return rate;
}
function cpuOf({ cpu_us }: Acted): number {
  return cpu_us;
}

function compared(ours: readonly Acted[], theirs: readonly Acted[]): readonly string[] {
  const [rate, their_rate] = [median(ours.map(rateOf)), median(theirs.map(rateOf))];
  const [cpu, their_cpu] = [median(ours.map(cpuOf)), median(theirs.map(cpuOf))];
  const times = rate / their_rate;
  const goal =
    theirs.length === 0 ? '' : `${GOAL_TIMES} x ${times >= GOAL_TIMES ? 'met' : 'missed'}`;
  return [
    rate.toFixed(0),
    their_rate.toFixed(0),
    times.toFixed(2),
    goal,
    cpu.toFixed(0),
    their_cpu.toFixed(0),
    (their_cpu / cpu).toFixed(2),
  ];
}

type Done = (server: Server) => Promise<number>;

async function actedRate(
  start: () => Promise<Server>,
  done: Done,
  connections: number,
  amount: number,
): Promise<Acted> {
  const server = await start();
  try {
    const from_ms = cpuMs(server.pid);
    const began = performance.now();
    const { sent, not_202 } = await load({
      url: server.url,
      connections,
      alerts: 1,
      amount,
      unique: true,
    });
    if (not_202 > 0) throw new Error(`${not_202} answers were not 202`);
    while ((await done(server)) < sent) {
      if (performance.now() - began > SETTLE_MS)
        throw new Error(`not all acted on within ${SETTLE_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const rate = (sent * 1000) / (performance.now() - began);
    return { rate, cpu_us: cpuUsEach(server.pid, from_ms, sent) };
  } finally {
    await server.stop();
  }
}

async function oursDone(server: Server): Promise<number> {
  const page = await (await fetch(`${server.url}/metrics`)).text();
  return Number(
    /^autoheal_action_attempts_total\{action="noop",result="ok"\} (\d+)/m.exec(page)?.[1] ?? 0,
  );
}

async function theirsDone(server: Server): Promise<number> {
  const file = join(server.folder, 'started');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
}

/** From the post to the start of the action, at 200 alerts a second. */
async function benchStart(webhook: string | undefined): Promise<void> {
  say(
    'Start: ms from post to start of the action, at an even 200 alerts a second for 10 s (goal p50 <= 1, p99 <= 5)',
  );
  const rows = [['autoheal', ...(await delays(() => startAutoheal(true), ourDelays))]];
  if (webhook !== undefined)
    rows.push(['webhook', ...(await delays(() => startWebhook(webhook), theirDelays))]);
  table(['receiver', 'p50', 'p99', 'alerts'], rows);
}

async function delays(
  start: () => Promise<Server>,
  read: (server: Server) => Promise<readonly number[]>,
): Promise<readonly string[]> {
  const server = await start();
  try {
    await paced({ url: server.url, rate: 200, duration_s: 3 });
    await paced({ url: server.url, rate: 200, duration_s: 10 });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const sorted = (await read(server)).toSorted((a, b) => a - b);
    const at = (share: number) =>
      (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(2);
    return [at(0.5), at(0.99), `${sorted.length}`];
  } finally {
    await server.stop();
  }
}

interface Episode {
  readonly id: string;
  readonly annotations: { readonly sent_ms: string };
}
interface Entry {
  readonly kind: string;
  readonly remediation: string;
  readonly episode: string;
  readonly detail: { readonly evidence?: { readonly started_at_ms: number } };
}

async function ourDelays(server: Server): Promise<readonly number[]> {
  const sent = new Map<string, number>();
  let cursor = '';
  do {
    const page = (await pageOf(server, `alerts?limit=1000${cursor}`)) as PageOf<Episode>;
    for (const episode of page.items) sent.set(episode.id, Number(episode.annotations.sent_ms));
    cursor = page.next_cursor === null ? '' : `&cursor=${encodeURIComponent(page.next_cursor)}`;
  } while (cursor !== '');
  const found: number[] = [];
  do {
    const page = (await pageOf(
      server,
      `audit?kind=action_ok&limit=1000${cursor}`,
    )) as PageOf<Entry>;
    for (const { episode, detail } of page.items)
      found.push(
        (detail.evidence?.started_at_ms ?? Number.NaN) - (sent.get(episode) ?? Number.NaN),
      );
    cursor = page.next_cursor === null ? '' : `&cursor=${encodeURIComponent(page.next_cursor)}`;
  } while (cursor !== '');
  return found;
}

interface PageOf<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

async function pageOf(server: Server, path: string): Promise<PageOf<unknown>> {
  const answer = await fetch(`${server.url}/api/v1/${path}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()) as PageOf<unknown>;
}

async function theirDelays(server: Server): Promise<readonly number[]> {
  const lines = readFileSync(join(server.folder, 'started'), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [sent = '', started = ''] = line.split(' ');
    return Number(started) * 1000 - Number(sent);
  });
}

function programOf(name: string): string | undefined {
  try {
    return execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}
