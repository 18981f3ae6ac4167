import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../real/until.ts';
import type { Running } from '../real/process.ts';
import { CRASH_RULES } from './rules.ts';
import { send, type Sent } from './sender.ts';
import { openService, type Service } from './service.ts';
import { growthMib, readGauges, type Sample, stuckRows } from './soak-figures.ts';

export interface SoakOptions {
  readonly duration_ms: number;
  readonly sample_every_ms: number;
  /** Takes the lines of the table. */
  readonly say: (line: string) => void;
}
export interface Soaked {
  readonly samples: readonly Sample[];
  readonly alerts: number;
  /** What is not as it should be, in words; none is right. */
  readonly problems: readonly string[];
}

/** Five alerts four times a second; each fires for `FIRES_MS` and is told again half-way. */
const GROUP = 5;
const GROUP_EVERY_MS = 250;
const FIRES_MS = 5_000;
const NAMES = ['Restart', 'Lease', 'Ladder'] as const;
/** Percent of steps that fail on purpose. */
const CHAOS_PCT = 20;
/** All that was accepted has its end so long after the last alert. */
const DRAINED_MS = 90_000;
/** Within the last half of the run, by a straight line through its samples, MiB. Above it, it leaks. */
const HEAP_GROWTH_MAX_MIB = 6;
const RSS_GROWTH_MAX_MIB = 16;
/** In its first minutes the process still takes memory from the system, tens of MiB at a time. */
const WARM_MS = 5 * 60_000;
const RSS_GROWTH_COLD_MAX_MIB = 64;

/** The real service under steady alerts, failures on purpose, pauses and holds. @throws when it ends by itself. */
export async function soak(options: SoakOptions): Promise<Soaked> {
  const { duration_ms, say } = options;
  const service = await openService({
    rules: CRASH_RULES,
    node_args: ['--expose-gc'],
    env: {
      AUTOHEAL_CHAOS_FAILURE_RATE: String(CHAOS_PCT),
      AUTOHEAL_CHAOS_FOR: '24h',
    },
  });
  try {
    const running = await service.spawn();
    await service.ready(running);
    const over = new AbortController();
    void running.ended.then(() => over.abort(new Error(`it ended by itself: ${running.tail()}`)));
    const samples: Sample[] = [];
    const problems = new Set<string>();
    const ends_at = performance.now() + duration_ms;
    const [alerts] = await Promise.all([
      fire(service, ends_at, over.signal),
      disturb(service, duration_ms, ends_at, over.signal),
      watch(service, running, { ...options, ends_at, samples, problems, signal: over.signal }),
    ]);
    for (const problem of await unfinished(service)) problems.add(problem);
    samples.push(await sampleOf(service, running));
    for (const problem of grown(samples, duration_ms)) problems.add(problem);
    say(`${alerts} alerts fired and resolved`);
    return { samples, alerts, problems: [...problems] };
  } finally {
    await service.dispose();
  }
}

/** @returns how many alerts were accepted, fired, and resolved. */
async function fire(service: Service, ends_at: number, signal: AbortSignal): Promise<number> {
  const lives: Promise<void>[] = [];
  let sent = 0;
  while (performance.now() < ends_at) {
    const alertname = NAMES[lives.length % NAMES.length] ?? 'Restart';
    const starts_at = Date.now();
    const group = Array.from({ length: GROUP }, () => ({
      alertname,
      thing: `t${sent++}`,
      starts_at,
    }));
    const life = liveOnce(service, group, signal);
    // Judged when all are over; a rejection in between must not count as unhandled.
    life.catch(() => undefined);
    lives.push(life);
    await sleep(GROUP_EVERY_MS, undefined, { signal });
  }
  await Promise.all(lives);
  return sent;
}

async function liveOnce(service: Service, group: readonly Sent[], signal: AbortSignal) {
  await send(service, 'firing', group, signal);
  await sleep(FIRES_MS / 2, undefined, { signal });
  await send(service, 'firing', group, signal);
  await sleep(FIRES_MS / 2, undefined, { signal });
  await send(service, 'resolved', group, signal);
}

/** What operators do meanwhile: a pause, then a hold of one alert, in turn; both end by the clock. */
async function disturb(
  service: Service,
  duration_ms: number,
  ends_at: number,
  signal: AbortSignal,
): Promise<void> {
  const every_ms = Math.min(30_000, duration_ms / 4);
  const reason = 'soak';
  for (let turn = 0; performance.now() + every_ms < ends_at; turn += 1) {
    await sleep(every_ms, undefined, { signal });
    const answer =
      turn % 2 === 0
        ? await service.api('/api/v1/pause', { reason, for: '2s' })
        : await service.api('/api/v1/holds', { reason, for: '5s', alertname: 'Restart' });
    if (answer.status >= 300) throw new Error(`an operator got ${JSON.stringify(answer)}`);
  }
}

interface Watching extends SoakOptions {
  readonly ends_at: number;
  readonly samples: Sample[];
  readonly problems: Set<string>;
  readonly signal: AbortSignal;
}

async function watch(service: Service, running: Running, options: Watching): Promise<void> {
  const { ends_at, samples, problems, say, signal } = options;
  say('    at s   heap MiB    rss MiB   inbox  under way  leases');
  while (performance.now() < ends_at) {
    await sleep(options.sample_every_ms, undefined, { signal });
    const sample = await sampleOf(service, running);
    samples.push(sample);
    const { at_ms, heap_mib, rss_mib, inbox, under_way, leases } = sample;
    const at_s = Math.round((at_ms - (samples[0]?.at_ms ?? 0)) / 1_000);
    say(
      [
        String(at_s).padStart(8),
        heap_mib.toFixed(1).padStart(10),
        rss_mib.toFixed(1).padStart(10),
        ...[inbox, under_way, leases].map((count) => String(count).padStart(8)),
      ].join(' '),
    );
    for (const stuck of await stuckRows(service, Date.now())) problems.add(stuck);
  }
}

/** Measured after a collection, so that what is counted is what is kept. */
async function sampleOf(service: Service, running: Running): Promise<Sample> {
  running.signal('SIGUSR2');
  await sleep(100);
  return readGauges(String((await service.api('/metrics')).body), performance.now());
}

async function unfinished(service: Service): Promise<readonly string[]> {
  const problems: string[] = [];
  await until(
    'everything is done',
    async () => {
      const now = readGauges(String((await service.api('/metrics')).body), 0);
      return now.inbox + now.under_way + now.leases === 0;
    },
    { timeout_ms: DRAINED_MS, every_ms: 200 },
  ).catch((error: unknown) => problems.push(String(error)));
  const { body } = await service.api('/api/v1/audit/verify');
  if (!(body as { ok: boolean }).ok) problems.push(`the chain: ${JSON.stringify(body)}`);
  return problems;
}

function grown(samples: readonly Sample[], duration_ms: number): readonly string[] {
  const rss_max = duration_ms < WARM_MS ? RSS_GROWTH_COLD_MAX_MIB : RSS_GROWTH_MAX_MIB;
  const half = samples.slice(Math.floor(samples.length / 2));
  const heap = growthMib(half.map(({ at_ms, heap_mib }) => [at_ms, heap_mib]));
  const rss = growthMib(half.map(({ at_ms, rss_mib }) => [at_ms, rss_mib]));
  return [
    ...(heap <= HEAP_GROWTH_MAX_MIB ? [] : [`the heap grew by ${heap.toFixed(1)} MiB`]),
    ...(rss <= rss_max ? [] : [`resident memory grew by ${rss.toFixed(1)} MiB`]),
  ];
}
