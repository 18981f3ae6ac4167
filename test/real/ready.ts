import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Running } from './process.ts';
import { until } from './until.ts';

/** How long a part may take until it serves; the slowest seen, on a busy machine, took 8 s. */
export const READY_TIMEOUT_MS = 40_000;

/** A folder of the test's own below the system's folder for temporary files. */
export function temporaryFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `autoheal-${name}-${process.pid}-`));
}

/** A run that was killed could not remove its folders: the next one does. */
export function removeOrphanFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = /^autoheal-[a-z]+-(\d+)-\w+$/.exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    removeOrphan(join(tmpdir(), name));
  }
}

/** A killed Docker engine leaves mounts in its folder. What cannot be removed must not stop this run. */
function removeOrphan(folder: string): void {
  try {
    for (const mount of mountsBelow(folder)) execFileSync('umount', ['--lazy', mount]);
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    process.stderr.write(`left behind: ${folder} (${String(error)})\n`);
  }
}

/** The deepest first. */
function mountsBelow(folder: string): readonly string[] {
  if (!existsSync('/proc/mounts')) return [];
  const points = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return points.filter((point) => point.startsWith(`${folder}/`)).toReversed();
}

/** True while a process has this pid, also one of another user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Gives `start` a folder of its own, and removes it when `start` fails. */
export async function inTemporaryFolder<T>(
  name: string,
  start: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = temporaryFolder(name);
  try {
    return await start(folder);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Below the range from which systems give ports to outgoing connections (32768 on Linux): a port handed out
 * here may be bound a minute later, after a build, and must not have become some connection's meanwhile.
 */
const PORTS = { from: 20_000, to: 32_000 };
const PORT_TRIES_MAX = 200;
const handed_out = new Set<number>();

/** A port of 127.0.0.1 that nobody listens on, and that this process was not given before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES_MAX; tries += 1) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (handed_out.has(port)) continue;
    handed_out.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${PORTS.from} and ${PORTS.to}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Waits until `url` answers 200. @throws with the program's last output when it ends or is too slow. */
export async function untilReady(running: Running, url: string): Promise<void> {
  await untilServing(running, async () => {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
    return true;
  });
}

/** Waits until `probe` is true while the program runs; stops the program when it never is. */
export async function untilServing(
  running: Running,
  probe: () => boolean | Promise<boolean>,
): Promise<void> {
  try {
    const end = await until(`${running.name} serves`, () => running.hasEnded() ?? probe(), {
      timeout_ms: READY_TIMEOUT_MS,
    });
    if (end !== true) {
      throw new Error(`${running.name} ended: code ${end.code}, signal ${end.signal}`);
    }
  } catch (error) {
    await running.stop();
    throw new Error(`${String(error)}\n--- last output of ${running.name}\n${running.tail()}`, {
      cause: error,
    });
  }
}

/**
 * Between finding a free port and listening on it another program can take it: then once more, on another.
 * @throws what `start` threw when it was not about the port, or at the third failure.
 */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt === 3 || !String(error).includes('address already in use')) throw error;
    }
  }
}
