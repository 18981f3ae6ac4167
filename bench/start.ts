import { cpuMs, median, rssMb } from './processes.ts';
import { say, table } from './print.ts';
import { startShipped } from './servers.ts';

const IDLE_MS = 5_000;
const GOALS = { cpu_ms: 300, rss_mb: 90 };

/** CPU until the first 200, and memory when nothing happens, of the service as it ships. */
export async function benchStartup(rounds: number): Promise<void> {
  say('Start-up: CPU ms until the first 200 of /-/ready, and resident MB after 5 s idle');
  const cpu: number[] = [];
  const rss: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const server = await startShipped();
    cpu.push(cpuMs(server.pid) ?? Number.NaN);
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    rss.push(rssMb(server.pid) ?? Number.NaN);
    await server.stop();
  }
  const verdict = (value: number, goal: number) => `${goal} ${value <= goal ? 'met' : 'missed'}`;
  const [cpu_ms, rss_mb] = [median(cpu), median(rss)];
  table(
    ['what', 'median', 'goal'],
    [
      ['CPU ms', cpu_ms.toFixed(0), verdict(cpu_ms, GOALS.cpu_ms)],
      ['RSS MB', rss_mb.toFixed(0), verdict(rss_mb, GOALS.rss_mb)],
    ],
  );
}
