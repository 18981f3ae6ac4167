import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { CommandResult } from '../action.ts';

/** The first and the last bytes of each stream that are kept. */
export const KEPT_HEAD_BYTES = 4 * 1024;
export const KEPT_TAIL_BYTES = 4 * 1024;
/** From SIGTERM to SIGKILL. */
export const KILL_AFTER_MS = 2_000;
/** After SIGKILL; what the kernel holds longer is given up. */
const GONE_WITHIN_MS = 1_000;
const LOOK_EVERY_MS = 25;
/** A child in the background may hold the output open after the program's own end. */
const OUTPUT_AFTER_EXIT_MS = 500;

export interface Job {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** A program under way, with everything that it started and that stayed in its process group. */
export interface Group {
  readonly pid: number | undefined;
  /** Rejects with the system's error when it could not be started. */
  readonly ended: Promise<CommandResult>;
  /** Ends the whole group; resolves when nothing of it is left. Harmless once it has ended. */
  stop(): Promise<void>;
}

/** Starts a program without a shell, with nothing to read, in a process group of its own. */
export function startGroup(job: Job): Group {
  const [program = '', ...args] = job.argv;
  const child = spawn(program, args, {
    cwd: job.cwd,
    env: job.env,
    detached: true,
    shell: false,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stopping: Promise<void> | undefined;
  // A program that was stopped has ended when those that it started have ended too.
  const ended = outcomeOf(child).then(async (result) => {
    await stopping;
    return result;
  });
  // Whoever asks hears of it; a group that is only stopped has nobody who asks.
  ended.catch(() => undefined);
  const { pid } = child;
  return {
    pid,
    ended,
    async stop() {
      if (pid === undefined) return;
      stopping ??= stopGroup(pid);
      await stopping;
    },
  };
}

function outcomeOf(child: ChildProcess): Promise<CommandResult> {
  const stdout = keep(child.stdout);
  const stderr = keep(child.stderr);
  return new Promise((resolve, reject) => {
    let late: NodeJS.Timeout | undefined;
    function finish(rc: number | null, signal: string | null): void {
      clearTimeout(late);
      child.stdout?.destroy();
      child.stderr?.destroy();
      const truncated = stdout.truncated() || stderr.truncated();
      resolve({ rc, signal, stdout: stdout.text(), stderr: stderr.text(), truncated });
    }
    child.once('error', reject);
    child.once('close', finish);
    child.once('exit', (rc, signal) => {
      late = setTimeout(() => finish(rc, signal), OUTPUT_AFTER_EXIT_MS);
    });
  });
}

async function stopGroup(pid: number): Promise<void> {
  signalGroup(pid, 'SIGTERM');
  if (await goneWithin(pid, KILL_AFTER_MS)) return;
  signalGroup(pid, 'SIGKILL');
  await goneWithin(pid, GONE_WITHIN_MS);
}

async function goneWithin(pid: number, limit_ms: number): Promise<boolean> {
  const end = performance.now() + limit_ms;
  while (performance.now() < end) {
    if (!signalGroup(pid, 0)) return true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return !signalGroup(pid, 0);
}

/** @returns false when nobody of the group is left. */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

interface Kept {
  text(): string;
  truncated(): boolean;
}

/** Reads a stream to its end and keeps its first and last bytes, however much comes. */
function keep(stream: Readable | null): Kept {
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  let total_bytes = 0;
  stream?.on('error', () => undefined);
  stream?.on('data', (chunk: Buffer) => {
    total_bytes += chunk.length;
    const room = KEPT_HEAD_BYTES - head.length;
    if (room > 0) head = Buffer.concat([head, chunk.subarray(0, room)]);
    const rest = room > 0 ? chunk.subarray(room) : chunk;
    if (rest.length > 0) tail = Buffer.from(Buffer.concat([tail, rest]).subarray(-KEPT_TAIL_BYTES));
  });
  function left_out(): number {
    return total_bytes - head.length - tail.length;
  }
  return {
    truncated: () => left_out() > 0,
    text: () =>
      left_out() > 0
        ? `${head.toString()}\n[${left_out()} bytes left out]\n${tail.toString()}`
        : Buffer.concat([head, tail]).toString(),
  };
}
