import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Load, Measured } from './load.ts';

const run = promisify(execFile);
const READY_MS = 20_000;

/** The server gets one core and the load the other, where the machine has two and `taskset`. */
const PINNED = availableParallelism() >= 2 && process.platform === 'linux';
export const CORES = PINNED ? { server: '0', load: '1' } : undefined;

export interface Server {
  readonly url: string;
  readonly pid: number;
  readonly folder: string;
  stop(): Promise<void>;
}
export interface ServerOptions {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Files to write into its folder first. */
  readonly files?: Readonly<Record<string, string>>;
  /** Answers 2xx once it serves; absent: any answer will do. */
  readonly ready_path?: string;
}

const running = new Set<ChildProcess>();
/** Whatever ends the bench ends what it started. */
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** Starts a server on a free port of 127.0.0.1 in a folder of its own. PORT and FOLDER are replaced in command, env and files. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'autoheal-bench-'));
  const port = await freePort();
  const fill = (text: string) => text.replaceAll('PORT', `${port}`).replaceAll('FOLDER', folder);
  for (const [name, text] of Object.entries(options.files ?? {}))
    writeFileSync(join(folder, name), fill(text), { mode: 0o755 });
  const [program = '', ...args] = pinned(options.command.map(fill), CORES?.server);
  const env = Object.entries(options.env ?? {}).map(([name, value]) => [name, fill(value)]);
  const child = spawn(program, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...Object.fromEntries(env) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  running.add(child);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      running.delete(child);
      resolve();
    });
  });
  const server: Server = {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    folder,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await serving(server, options.ready_path);
  return server;
}

async function serving(server: Server, path: string | undefined): Promise<void> {
  const end = performance.now() + READY_MS;
  while (performance.now() < end) {
    const answer = await fetch(server.url + (path ?? '/')).catch(() => undefined);
    if (answer !== undefined && (path === undefined || answer.ok)) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`${server.url} did not come up within ${READY_MS} ms`);
}

/** One load, made by another process on the other core. */
export async function load(options: Load): Promise<Measured> {
  const script = join(import.meta.dirname, 'load.ts');
  const command = [process.execPath, script, JSON.stringify(options)];
  const [program = '', ...args] = pinned(command, CORES?.load);
  const { stdout } = await run(program, args);
  return JSON.parse(stdout) as Measured;
}

function pinned(command: readonly string[], core: string | undefined): readonly string[] {
  return core === undefined ? command : ['taskset', '-c', core, ...command];
}

/**
 * CPU that the process has used, and the children that it has waited for, ms, from /proc (100 ticks a second);
 * undefined elsewhere than on Linux.
 */
export function cpuMs(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0);
}

/** CPU of one of `amount` pieces of work since `from_ms`, us; NaN where it is not known. */
export function cpuUsEach(pid: number, from_ms: number | undefined, amount: number): number {
  return (((cpuMs(pid) ?? Number.NaN) - (from_ms ?? Number.NaN)) * 1_000) / amount;
}

/** Resident memory, MB (1e6 bytes); undefined elsewhere than on Linux. */
export function rssMb(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kb) * 1024) / 1e6;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
