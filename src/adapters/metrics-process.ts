import { readdir } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from './prom-client.ts';

/** How often the event loop's delay is sampled; nanoseconds in the histogram, ms here. */
const LOOP_RESOLUTION_MS = 20;
const NS_PER_SECOND = 1e9;

/**
 * The process itself, chosen: the library's default set has names that `promtool check metrics`
 * complains about, and series nobody looks at.
 */
export function addProcessMetrics(registry: Registry): void {
  const registers = [registry];
  const cpu = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / 1e6);
    },
  });
  const memory = new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory',
    registers,
    collect() {
      memory.set(process.memoryUsage.rss());
    },
  });
  const heap = new Gauge({
    name: 'nodejs_heap_used_bytes',
    help: 'JavaScript heap in use',
    registers,
    collect() {
      heap.set(process.memoryUsage().heapUsed);
    },
  });
  const start = new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the process started, since the epoch',
    registers,
  });
  start.set(performance.timeOrigin / 1_000);
  addOpenFiles(registry);
  addLoopDelay(registry);
}

function addOpenFiles(registry: Registry): void {
  const files = new Gauge({
    name: 'process_open_fds',
    help: 'Open file descriptors; 0 where the system does not tell',
    registers: [registry],
    async collect() {
      files.set(await readdir('/proc/self/fd').then(count, () => 0));
    },
  });
}

function count(list: readonly unknown[]): number {
  return list.length;
}

/** The worst delay since the last scrape: what a blocked loop did to every request. */
function addLoopDelay(registry: Registry): void {
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  delay.enable();
  const worst = new Gauge({
    name: 'nodejs_eventloop_delay_max_seconds',
    help: 'Longest delay of the event loop since the last scrape: how long every request waited at worst',
    registers: [registry],
    collect() {
      worst.set(delay.max / NS_PER_SECOND);
      delay.reset();
    },
  });
}
