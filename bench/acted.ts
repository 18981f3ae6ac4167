import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchDelay } from './delay.ts';
import { send } from './posts.ts';
import { cpuMs, cpuUsEach, type Server } from './processes.ts';
import { say, table } from './print.ts';
import { startAutoheal, startWebhook } from './servers.ts';
import { median, spread, verdict } from './spread.ts';

const SETTLE_MS = 60_000;
const GOAL_TIMES = 5;
/** Asking is work for the server too, and makes a burst this much longer at most, ms. */
const LOOK_EVERY_MS = 20;

/** A second, and CPU us for each, commands that were run among it. */
interface Acted {
  readonly rate: number;
  readonly cpu_us: number;
}
interface Pair {
  readonly ours: Acted;
  readonly theirs: Acted | undefined;
}

/**
 * Alerts accepted, acted on and recorded, against Debian's `webhook` running a command that does nothing either. Both
 * are up and warm; bursts of `amount` new alerts go to one and then the other.
 */
export async function benchActed(pairs: number, amount: number): Promise<void> {
  const webhook = programOf('webhook');
  say('Acted: alerts a second from first post to last action, each accepted, acted on and audited');
  if (webhook === undefined)
    say('  skipped: no program `webhook` on PATH (Debian package webhook)');
  const rows: string[][] = [];
  for (const connections of [1, 10, 50])
    rows.push(rowOf(connections, await measure(webhook, { pairs, amount, connections })));
  table(
    ['connections', 'autoheal/s', 'webhook/s', 'times', 'goal', 'autoheal CPU us', 'times by CPU'],
    rows,
  );
  await benchDelay(webhook);
}

function rowOf(connections: number, pairs: readonly Pair[]): string[] {
  const compared = pairs.flatMap(({ ours, theirs }) =>
    theirs === undefined ? [] : [{ ours, theirs }],
  );
  const times = compared.map(({ ours, theirs }) => ours.rate / theirs.rate);
  return [
    `${connections}`,
    median(pairs.map(({ ours }) => ours.rate)).toFixed(0),
    ...(compared.length === 0
      ? ['', '', '']
      : [
          median(compared.map(({ theirs }) => theirs.rate)).toFixed(0),
          spread(times),
          verdict(GOAL_TIMES, median(times) >= GOAL_TIMES, 0),
        ]),
    median(pairs.map(({ ours }) => ours.cpu_us)).toFixed(0),
    compared.length === 0
      ? ''
      : spread(compared.map(({ ours, theirs }) => theirs.cpu_us / ours.cpu_us)),
  ];
}

interface Shape {
  readonly pairs: number;
  readonly amount: number;
  readonly connections: number;
}

async function measure(webhook: string | undefined, shape: Shape): Promise<readonly Pair[]> {
  const ours = await startAutoheal(true);
  const theirs = webhook === undefined ? undefined : await startWebhook(webhook);
  try {
    await burst(ours, acted, shape);
    if (theirs !== undefined) await burst(theirs, started, shape);
    const measured: Pair[] = [];
    for (let pair = 0; pair < shape.pairs; pair += 1)
      measured.push({
        ours: await burst(ours, acted, shape),
        theirs: theirs && (await burst(theirs, started, shape)),
      });
    return measured;
  } finally {
    await ours.stop();
    await theirs?.stop();
  }
}

/** How many were acted on since the server's start. */
type Count = (server: Server) => Promise<number>;

async function burst(server: Server, count: Count, { amount, connections }: Shape): Promise<Acted> {
  const from_ms = cpuMs(server.pid);
  const wanted = (await count(server)) + amount;
  const began_ms = await send({ url: server.url, amount, connections });
  const end = performance.now() + SETTLE_MS;
  while ((await count(server)) < wanted) {
    if (performance.now() > end) throw new Error(`not all acted on within ${SETTLE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  const took_ms = performance.timeOrigin + performance.now() - began_ms;
  return { rate: (amount * 1000) / took_ms, cpu_us: cpuUsEach(server.pid, from_ms, amount) };
}

async function acted(server: Server): Promise<number> {
  const page = await (await fetch(`${server.url}/metrics`)).text();
  return Number(
    /^autoheal_action_attempts_total\{action="noop",result="ok"\} (\d+)/m.exec(page)?.[1] ?? 0,
  );
}

async function started(server: Server): Promise<number> {
  const file = join(server.folder, 'started');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
}

function programOf(name: string): string | undefined {
  try {
    return execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}
