import {
  closeSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { send } from './posts.ts';
import type { Server } from './processes.ts';
import { say, table } from './print.ts';
import { startAutoheal, startWebhook } from './servers.ts';
import { quantile, verdict } from './spread.ts';

const RATE = 200;
const WARM_S = 3;
const MEASURED_S = 10;
const CONNECTIONS = 16;
const GOAL_P50_MS = 1;
const GOAL_P99_MS = 5;
/** Each as large as an alert's commit. */
const SYNCS = 500;
const SYNC_BYTES = 16 * 4120;

/**
 * From the post to the start of the action, at an even pace. Three synced writes lie before it (the delivery, the
 * decision, the intent), so what one takes on this disk stands beside it.
 */
export async function benchDelay(webhook: string | undefined): Promise<void> {
  say(`Start: ms from post to start of the action, at an even ${RATE} alerts a second`);
  const ours = await delays(() => startAutoheal(true), ourDelays);
  const [p50, p99] = [quantile(ours, 0.5), quantile(ours, 0.99)];
  const goals = [
    verdict(GOAL_P50_MS, p50 <= GOAL_P50_MS, 0),
    verdict(GOAL_P99_MS, p99 <= GOAL_P99_MS, 0),
  ];
  const rows = [rowOf('autoheal', ours, goals)];
  if (webhook !== undefined)
    rows.push(rowOf('webhook', await delays(() => startWebhook(webhook), theirDelays)));
  rows.push(rowOf('one synced write', await syncs()));
  table(['what', 'p50', 'p99', 'goal p50', 'goal p99', 'measured'], rows);
}

function rowOf(what: string, values: readonly number[], goals = ['', '']): string[] {
  const [p50, p99] = [0.5, 0.99].map((share) => quantile(values, share).toFixed(2));
  return [what, p50 ?? '', p99 ?? '', ...goals, `${values.length}`];
}

async function delays(
  start: () => Promise<Server>,
  read: (server: Server) => Promise<readonly number[]>,
): Promise<readonly number[]> {
  const server = await start();
  try {
    const pace = { url: server.url, rate: RATE, connections: CONNECTIONS };
    await send({ ...pace, amount: RATE * WARM_S });
    await send({ ...pace, amount: RATE * MEASURED_S });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return (await read(server)).slice(0, RATE * MEASURED_S);
  } finally {
    await server.stop();
  }
}

/* ---------------------------------------------------------------- ours */

interface Episode {
  readonly id: string;
  readonly annotations: { readonly sent_ms: string };
}
interface Entry {
  readonly episode: string;
  readonly detail: { readonly evidence?: { readonly started_at_ms: number } };
}

/** The newest first. */
async function ourDelays(server: Server): Promise<readonly number[]> {
  const sent = new Map<string, number>();
  for await (const { id, annotations } of itemsOf<Episode>(server, 'alerts?limit=1000'))
    sent.set(id, Number(annotations.sent_ms));
  const found: number[] = [];
  for await (const { episode, detail } of itemsOf<Entry>(server, 'audit?kind=action_ok&limit=1000'))
    found.push((detail.evidence?.started_at_ms ?? NaN) - (sent.get(episode) ?? NaN));
  return found;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

async function* itemsOf<T>(server: Server, path: string): AsyncGenerator<T> {
  let cursor: string | null = '';
  while (cursor !== null) {
    const answer = await fetch(`${server.url}/api/v1/${path}${cursor}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    const page = (await answer.json()) as Page<T>;
    yield* page.items;
    cursor = page.next_cursor && `&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
}

/* ---------------------------------------------------------------- theirs, and the disk */

async function theirDelays(server: Server): Promise<readonly number[]> {
  const lines = readFileSync(join(server.folder, 'started'), 'utf8').trim().split('\n');
  return lines.toReversed().map((line) => {
    const [sent = '', started = ''] = line.split(' ');
    return Number(started) * 1000 - Number(sent);
  });
}

/** At the same pace: a disk that has been idle for some milliseconds answers later than one that is kept busy. */
async function syncs(): Promise<readonly number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'autoheal-bench-'));
  const file = openSync(join(folder, 'synced'), 'w');
  try {
    const bytes = Buffer.alloc(SYNC_BYTES, 1);
    const took: number[] = [];
    for (let n = 0; n < SYNCS; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1_000 / RATE));
      const began = performance.now();
      writeSync(file, bytes, 0, bytes.length, 0);
      fdatasyncSync(file);
      took.push(performance.now() - began);
    }
    return took;
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
}
