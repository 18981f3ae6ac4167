import { cpuMs, cpuUsEach, load, median, type Server } from './processes.ts';
import { startAutoheal, startBare } from './servers.ts';
import { say, table } from './print.ts';

/** Of the 202 alone, as a share of bare Fastify, by `alerts/connections`. */
const GOALS: Readonly<Record<string, number>> = {
  '1/50': 0.9,
  '10/50': 0.7,
  '100/50': 0.55,
  '1/10': 0.5,
};
/** An inbox that is not empty by then will not be. */
const DRAINED_MS = 120_000;

interface Shape {
  readonly alerts: number;
  readonly connections: number;
  readonly duration_s: number;
}
/** A second, and CPU us for each. */
interface Rate {
  readonly rate: number;
  readonly cpu_us: number;
}
interface Round {
  readonly bare: Rate;
  readonly alone: Rate & { readonly p99_ms: number };
  /** Undefined where it is not measured. */
  readonly sustained: Rate | undefined;
}

/**
 * Two figures against a Fastify that keeps nothing, in the same round. `202 alone`: the answer after the
 * synced commit, by a service without rules, whose drain waits. `sustained`: deliveries that are accepted,
 * decided and audited, from the first post until the inbox is empty; all but the first are repeats. Each
 * also as a share by CPU, bare Fastify's for a delivery against ours, which others on the machine disturb less.
 */
export async function benchIntake(rounds: number, duration_s: number): Promise<void> {
  say('Intake: deliveries/s of the durable 202 alone, and sustained with the drain (medians)');
  const rows: string[][] = [];
  for (const alerts of [1, 10, 100])
    for (const connections of [1, 10, 50, 200]) {
      const measured: Round[] = [];
      for (let round = 0; round < rounds; round += 1)
        measured.push(await measureRound({ alerts, connections, duration_s }));
      rows.push(rowOf(alerts, connections, measured));
    }
  table(
    [
      'alerts',
      'connections',
      'bare/s',
      '202 alone/s',
      'share of bare',
      'goal',
      'by CPU',
      'p99 ms',
      'sustained/s',
      'share of bare',
      'by CPU',
    ],
    rows,
  );
}

function rowOf(alerts: number, connections: number, rounds: readonly Round[]): string[] {
  const share = median(rounds.map(({ alone, bare }) => alone.rate / bare.rate));
  const goal = GOALS[`${alerts}/${connections}`];
  const sustained = rounds.flatMap((round) =>
    round.sustained === undefined ? [] : [{ ...round.sustained, bare: round.bare }],
  );
  return [
    `${alerts}`,
    `${connections}`,
    median(rounds.map(({ bare }) => bare.rate)).toFixed(0),
    median(rounds.map(({ alone }) => alone.rate)).toFixed(0),
    share.toFixed(2),
    goal === undefined ? '' : `${goal.toFixed(2)} ${share >= goal ? 'met' : 'missed'}`,
    median(rounds.map(({ alone, bare }) => bare.cpu_us / alone.cpu_us)).toFixed(2),
    median(rounds.map(({ alone }) => alone.p99_ms)).toFixed(1),
    ...(sustained.length === 0
      ? ['', '', '']
      : [
          median(sustained.map(({ rate }) => rate)).toFixed(0),
          median(sustained.map(({ rate, bare }) => rate / bare.rate)).toFixed(2),
          median(sustained.map(({ cpu_us, bare }) => bare.cpu_us / cpu_us)).toFixed(2),
        ]),
  ];
}

/** Sustained is measured at 50 connections, where the goals are: a core is full there. */
async function measureRound(shape: Shape): Promise<Round> {
  const bare = await withServer(startBare, (server) => measure(server, shape));
  const alone = await withServer(
    () => startAutoheal(false),
    (server) => measure(server, shape),
  );
  const sustained =
    shape.connections === 50
      ? await withServer(
          () => startAutoheal(true),
          (server) => measureSustained(server, shape),
        )
      : undefined;
  return { bare, alone, sustained };
}

async function withServer<T>(start: () => Promise<Server>, work: (server: Server) => Promise<T>) {
  const server = await start();
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

async function measure(server: Server, shape: Shape): Promise<Round['alone']> {
  // A short load first: both are measured with their code compiled.
  await load({ ...shape, duration_s: 1, url: server.url, unique: false });
  const from_ms = cpuMs(server.pid);
  const { sent, not_202, requests_per_second, p99_ms } = await load({
    ...shape,
    url: server.url,
    unique: false,
  });
  if (not_202 > 0) throw new Error(`${not_202} answers were not 202`);
  return { rate: requests_per_second, cpu_us: cpuUsEach(server.pid, from_ms, sent), p99_ms };
}

/** From the first post until the last one is drained. */
async function measureSustained(server: Server, shape: Shape): Promise<Rate> {
  await load({ ...shape, duration_s: 1, url: server.url, unique: false });
  await drained(server);
  const from_ms = cpuMs(server.pid);
  const started_at = performance.now();
  const { sent, requests_per_second } = await load({ ...shape, url: server.url, unique: false });
  const posted_at = performance.now();
  await drained(server);
  // The load's own start and end are no work of the server.
  const load_ms = Math.min(posted_at - started_at, (sent / requests_per_second) * 1_000);
  const rate = (sent * 1_000) / (load_ms + performance.now() - posted_at);
  return { rate, cpu_us: cpuUsEach(server.pid, from_ms, sent) };
}

async function drained(server: Server): Promise<void> {
  const end = performance.now() + DRAINED_MS;
  while (performance.now() < end) {
    const page = await (await fetch(`${server.url}/metrics`)).text();
    if (/^autoheal_inbox_deliveries 0$/m.test(page)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`the inbox was not empty after ${DRAINED_MS} ms`);
}
