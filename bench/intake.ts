import { load, median } from './processes.ts';
import { startAutoheal, startBare } from './servers.ts';
import { say, table } from './print.ts';

const GOALS: Readonly<Record<string, number>> = {
  '1/50': 0.9,
  '10/50': 0.7,
  '100/50': 0.55,
  '1/10': 0.5,
};

/** Durable intake (202 after the synced commit) against a Fastify that keeps nothing, pair by pair. */
export async function benchIntake(rounds: number, duration_s: number): Promise<void> {
  say('Intake: requests/s of the durable 202, as a share of bare Fastify (median of the rounds)');
  const rows: string[][] = [];
  for (const alerts of [1, 10, 100])
    for (const connections of [1, 10, 50, 200]) {
      const pairs = await measurePairs(alerts, connections, rounds, duration_s);
      const ratio = median(pairs.map((pair) => pair.ours / pair.bare));
      const goal = GOALS[`${alerts}/${connections}`];
      rows.push([
        `${alerts}`,
        `${connections}`,
        median(pairs.map((pair) => pair.bare)).toFixed(0),
        median(pairs.map((pair) => pair.ours)).toFixed(0),
        ratio.toFixed(2),
        goal === undefined ? '' : `${goal.toFixed(2)} ${ratio >= goal ? 'met' : 'missed'}`,
        median(pairs.map((pair) => pair.p99_ms)).toFixed(1),
      ]);
    }
  table(['alerts', 'connections', 'bare/s', 'autoheal/s', 'ratio', 'goal', 'p99 ms'], rows);
}

async function measurePairs(
  alerts: number,
  connections: number,
  rounds: number,
  duration_s: number,
) {
  const pairs: { bare: number; ours: number; p99_ms: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const bare = await measureOne(startBare, { alerts, connections, duration_s });
    const ours = await measureOne(() => startAutoheal(false), { alerts, connections, duration_s });
    pairs.push({
      bare: bare.requests_per_second,
      ours: ours.requests_per_second,
      p99_ms: ours.p99_ms,
    });
  }
  return pairs;
}

async function measureOne(
  start: typeof startBare,
  shape: { readonly alerts: number; readonly connections: number; readonly duration_s: number },
) {
  const server = await start();
  try {
    // A short load first: both are measured with their code compiled.
    await load({ ...shape, duration_s: 1, url: server.url, unique: false });
    const measured = await load({ ...shape, url: server.url, unique: false });
    if (measured.not_202 > 0) throw new Error(`${measured.not_202} answers were not 202`);
    return measured;
  } finally {
    await server.stop();
  }
}
