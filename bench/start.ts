import { cpuMs, rssMb, type Server } from './processes.ts';
import { say, table } from './print.ts';
import { startLibraries, startShipped } from './servers.ts';
import { median, spread, verdict } from './spread.ts';

const IDLE_MS = 5_000;
/** Of a machine on which its libraries alone, loaded and listening, took 248 ms and 69 MB. */
const GOALS = { cpu_ms: 300, rss_mb: 90 };
const LIBRARIES = { cpu_ms: 248, rss_mb: 69 };

interface Started {
  readonly cpu_ms: number;
  readonly rss_mb: number;
}

/**
 * CPU until the first 200, and memory when nothing happens, of the service as it ships, against the libraries that it
 * cannot do without. Absolute figures are the machine's; the ratio is what the service adds.
 */
export async function benchStartup(rounds: number): Promise<void> {
  say('Start-up: CPU ms until the first 200 of /-/ready, and resident MB after 5 s idle');
  const ours: Started[] = [];
  const libraries: Started[] = [];
  for (let round = 0; round < rounds; round += 1) {
    libraries.push(await started(startLibraries));
    ours.push(await started(startShipped));
  }
  table(
    ['what', 'autoheal', 'goal', 'libraries alone', 'times', 'goal'],
    [row('cpu_ms', 'CPU ms'), row('rss_mb', 'RSS MB')],
  );

  function row(of: keyof Started, what: string): readonly string[] {
    const middle = median(ours.map((one) => one[of]));
    const times = ours.map((one, at) => one[of] / (libraries[at]?.[of] ?? Number.NaN));
    const goal = GOALS[of] / LIBRARIES[of];
    return [
      what,
      middle.toFixed(0),
      verdict(GOALS[of], middle <= GOALS[of], 0),
      median(libraries.map((one) => one[of])).toFixed(0),
      spread(times),
      verdict(goal, median(times) <= goal),
    ];
  }
}

async function started(start: () => Promise<Server>): Promise<Started> {
  const server = await start();
  try {
    const cpu_ms = cpuMs(server.pid) ?? Number.NaN;
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    return { cpu_ms, rss_mb: rssMb(server.pid) ?? Number.NaN };
  } finally {
    await server.stop();
  }
}
