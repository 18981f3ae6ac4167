import { cpuMs, cpuUsEach, load, type Server } from './processes.ts';
import { startAutoheal, startBare } from './servers.ts';
import { say, table } from './print.ts';
import { median, spread, verdict } from './spread.ts';

/** Of the 202 alone, as a share of bare Fastify, by `alerts/connections`. */
const GOALS: Readonly<Record<string, number>> = {
  '1/50': 0.9,
  '10/50': 0.7,
  '100/50': 0.55,
  '1/10': 0.5,
};
/** An inbox that is not empty by then will not be. */
const DRAINED_MS = 120_000;
const WARM_S = 1;

interface Shape {
  readonly alerts: number;
  readonly connections: number;
}
/** A second, and CPU us for each. */
interface Rate {
  readonly rate: number;
  readonly cpu_us: number;
}
interface Pair {
  readonly bare: Rate;
  readonly ours: Rate & { readonly p99_ms: number };
}

/**
 * Two figures against a Fastify that keeps nothing. `202 alone`: the answer after the synced commit, by a service
 * without rules, whose drain waits. `sustained`: deliveries that are accepted, decided and audited, from the first
 * post until the inbox is empty; all but the first are repeats. Both servers are up, and bursts of `burst_s` go to one
 * and then the other: each pair is a ratio of the same second, because a machine's speed changes from one to the next.
 */
export async function benchIntake(pairs: number, burst_s: number): Promise<void> {
  say('Intake: the durable 202 alone, as a share of bare Fastify: median (middle half)');
  const rows: string[][] = [];
  for (const alerts of [1, 10, 100])
    for (const connections of [1, 10, 50, 200])
      rows.push(rowOf({ alerts, connections }, await measure(false, { alerts, connections })));
  table(HEAD, rows);
  say('Intake with the drain, until the inbox is empty, at 50 connections');
  const sustained: string[][] = [];
  for (const shape of [1, 10, 100].map((alerts) => ({ alerts, connections: 50 })))
    sustained.push(rowOf(shape, await measure(true, shape), true));
  table(HEAD, sustained);

  async function measure(drains: boolean, shape: Shape): Promise<readonly Pair[]> {
    const [bare, ours] = await Promise.all([startBare(), startAutoheal(drains)]);
    try {
      await burst(bare, { ...shape, duration_s: WARM_S, drains: false });
      await burst(ours, { ...shape, duration_s: WARM_S, drains });
      const measured: Pair[] = [];
      for (let pair = 0; pair < pairs; pair += 1)
        measured.push({
          bare: await burst(bare, { ...shape, duration_s: burst_s, drains: false }),
          ours: await burst(ours, { ...shape, duration_s: burst_s, drains }),
        });
      return measured;
    } finally {
      await Promise.all([bare.stop(), ours.stop()]);
    }
  }
}

const HEAD = [
  'alerts',
  'connections',
  'bare/s',
  'autoheal/s',
  'share of bare',
  'goal',
  'share by CPU',
  'p99 ms',
];

function rowOf({ alerts, connections }: Shape, pairs: readonly Pair[], drains = false): string[] {
  const shares = pairs.map(({ bare, ours }) => ours.rate / bare.rate);
  const goal = drains ? undefined : GOALS[`${alerts}/${connections}`];
  return [
    `${alerts}`,
    `${connections}`,
    median(pairs.map(({ bare }) => bare.rate)).toFixed(0),
    median(pairs.map(({ ours }) => ours.rate)).toFixed(0),
    spread(shares),
    verdict(goal, median(shares) >= (goal ?? 0)),
    spread(pairs.map(({ bare, ours }) => bare.cpu_us / ours.cpu_us)),
    median(pairs.map(({ ours }) => ours.p99_ms)).toFixed(1),
  ];
}

/** From the first post until the last one is answered, or drained. */
async function burst(
  server: Server,
  { drains, ...shape }: Shape & { readonly duration_s: number; readonly drains: boolean },
): Promise<Pair['ours']> {
  const from_ms = cpuMs(server.pid);
  const { sent, not_202, requests_per_second, p99_ms } = await load({ ...shape, url: server.url });
  if (not_202 > 0) throw new Error(`${not_202} answers were not 202`);
  const posted_at = performance.now();
  if (drains) await drained(server);
  const drain_s = drains ? (performance.now() - posted_at) / 1_000 : 0;
  // The load's own start and end are no work of the server.
  const rate = sent / (sent / requests_per_second + drain_s);
  return { rate, cpu_us: cpuUsEach(server.pid, from_ms, sent), p99_ms };
}

async function drained(server: Server): Promise<void> {
  const end = performance.now() + DRAINED_MS;
  while (performance.now() < end) {
    const answer = await fetch(`${server.url}/metrics`);
    if (!answer.ok) throw new Error(`${server.url}/metrics: ${answer.status}`);
    const page = await answer.text();
    if (/^autoheal_inbox_deliveries 0$/m.test(page)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`the inbox was not empty after ${DRAINED_MS} ms`);
}
