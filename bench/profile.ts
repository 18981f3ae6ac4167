import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { send } from './posts.ts';
import type { Server } from './processes.ts';
import { say, table } from './print.ts';
import { type Frame, type GroupOf, readProfile, sharesOf } from './profile-read.ts';
import { startAutoheal, startShipped } from './servers.ts';

const CONNECTIONS = 50;
/** Between two samples, us: often enough for shares, seldom enough not to be what is measured. */
const INTERVAL_US = 500;
/** Until the code is compiled; what was sampled in it is left out. */
const WARM = 0.5;
const IDLE_MS = 1_000;

/** A group, and the frames that count as it, by file and by function. */
type Row = readonly [group: string, file: RegExp, fn?: RegExp];

const ACTED: readonly Row[] = [
  ['garbage collection', /^$/, /^\(garbage collector\)$/],
  ['store: write rows and their indexes', /store\/group-commit\./, /^attempt$/],
  ['store: write audit rows and their indexes', /store\/audit-chain\./, /^append$/],
  ['store: commit (pages to the log, sync, checkpoint)', /store\/group-commit\./, /^trans/],
  ['store: read', /adapters\/store\/(?:reads|lists|audit-query|slo|retention)/],
  ['audit: canonical text and hashes', /core\/audit\//],
  ['metrics: count and render', /adapters\/(?:metrics|prom-client)|node_modules\/prom-client\//],
  ['alert: read the body', /core\/alerts\/|engine\/intake\./],
  ['HTTP', /src\/http\/|node_modules\/(?:fastify|find-my-way)\/|^node:(?:_http|net$)/],
  ['decide, plan, guard, act, record', /src\/(?:engine|core)\/|bench\/servers\/actions/],
];

const START: readonly Row[] = [
  ['garbage collection', /^$/, /^\(garbage collector\)$/],
  ['compile rules and policy', /engine\/(?:compile|rulebook)\./],
  ['open the database', /adapters\/store\//],
  ['routes', /src\/http\/|node_modules\/(?:fastify|find-my-way)\//, /^(?!$)/],
  ['modules: find, read, compile', /^node:internal\/modules\//, /^(?!run$|evaluate$)/],
  ['modules: run their top level', /^node:internal\/modules\/esm\/module_job/, /^run$/],
  ['modules: run their top level', /./, /^\(top level\)$/],
];

/** What the time goes into, by V8's sampling: the evidence for what to make cheaper next. */
export async function benchProfile(amount: number): Promise<void> {
  say('Profile: shares of the CPU of an acted alert, at 50 connections');
  show(await profiled((flags) => startAutoheal(true, flags), ACTED, WARM, act));
  say('Profile: shares of the CPU of a start, until it is idle');
  show(await profiled(startShipped, START, 0, idle));

  async function act({ url }: Server): Promise<void> {
    await send({ url, amount, connections: CONNECTIONS });
  }
}

function show(shares: readonly (readonly [string, number])[]): void {
  table(
    ['part', 'share'],
    shares.map(([group, share]) => [group, `${(share * 100).toFixed(0)} %`]),
  );
}

async function profiled(
  start: (flags: readonly string[]) => Promise<Server>,
  rows: readonly Row[],
  skip: number,
  work: (server: Server) => Promise<void>,
): Promise<readonly (readonly [string, number])[]> {
  const folder = mkdtempSync(join(tmpdir(), 'autoheal-bench-'));
  try {
    const server = await start([
      '--cpu-prof',
      `--cpu-prof-dir=${folder}`,
      `--cpu-prof-interval=${INTERVAL_US}`,
    ]);
    await work(server);
    await server.stop();
    return sharesOf(readProfile(folder), grouping(rows), skip);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function grouping(rows: readonly Row[]): GroupOf {
  return ({ url, functionName, lineNumber }: Frame) => {
    const name = functionName === '' && lineNumber === 0 ? '(top level)' : functionName;
    return rows.find(([, file, fn]) => file.test(url) && (fn === undefined || fn.test(name)))?.[0];
  };
}

function idle(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, IDLE_MS);
  });
}
