import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { onPath } from './parts.ts';

export interface StartOptions {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Output goes here; `stderr_file` takes stderr apart. */
  readonly log_file: string;
  readonly stderr_file?: string;
  /** How it is told to go when the tests die before they stop it. */
  readonly at_exit?: 'SIGKILL' | 'SIGTERM';
}

/** A program that the tests started, in a process group of its own. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it has ended. */
  readonly ended: Promise<Ended>;
  hasEnded(): Ended | undefined;
  /** Sends a signal to the whole group; nothing happens when it has ended. */
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL after `grace_ms` (10,000). */
  stop(grace_ms?: number): Promise<Ended>;
  /** The last lines of its output. */
  readonly tail: (lines?: number) => string;
}
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Groups that live; the last resort when the tests end without stopping them. */
const alive = new Map<number, NodeJS.Signals>();
process.on('exit', () => {
  for (const [pid, signal] of alive) signalGroup(pid, signal);
});

/** Starts a program that cannot outlive the tests. @throws when it cannot be started at all. */
export async function startProcess(options: StartOptions): Promise<Running> {
  const child = spawnInGroup(options);
  const pid = await pidOf(child, options);
  alive.set(pid, options.at_exit ?? 'SIGKILL');
  let end: Ended | undefined;
  const ended = new Promise<Ended>((resolve) => {
    child.once('exit', (code, by) => {
      alive.delete(pid);
      end = { code, signal: by };
      resolve(end);
    });
  });
  function signal(name: NodeJS.Signals): void {
    if (end === undefined) signalGroup(pid, name);
  }
  return {
    name: options.name,
    pid,
    ended,
    hasEnded: () => end,
    signal,
    stop: (grace_ms = 10_000) => stopGroup(signal, ended, grace_ms),
    tail: (lines = 30) => tailOf(options.stderr_file ?? options.log_file, lines),
  };
}

/**
 * `setpriv --pdeathsig` (util-linux) lets the kernel signal the program when the test process dies,
 * even by SIGKILL; where it is missing, only the exit handler above stands.
 */
function spawnInGroup(options: StartOptions): ChildProcess {
  const setpriv = process.platform === 'linux' ? onPath('setpriv') : undefined;
  const prefix = ['--pdeathsig', (options.at_exit ?? 'SIGKILL').slice(3), '--', options.program];
  const out = openSync(options.log_file, 'a');
  const err = options.stderr_file === undefined ? out : openSync(options.stderr_file, 'a');
  try {
    return spawn(
      setpriv ?? options.program,
      setpriv === undefined ? [...options.args] : [...prefix, ...options.args],
      {
        detached: true,
        stdio: ['ignore', out, err],
        env: options.env ?? process.env,
        cwd: options.cwd,
      },
    );
  } finally {
    closeSync(out);
    if (err !== out) closeSync(err);
  }
}

function pidOf(child: ChildProcess, options: StartOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(new Error(`${options.name}: cannot start ${options.program}`, { cause: error }));
    });
    child.once('spawn', () => {
      if (child.pid !== undefined) resolve(child.pid);
    });
  });
}

async function stopGroup(
  signal: (name: NodeJS.Signals) => void,
  ended: Promise<Ended>,
  grace_ms: number,
): Promise<Ended> {
  signal('SIGTERM');
  const timer = new AbortController();
  const grace = sleep(grace_ms, undefined, { signal: timer.signal }).then(
    () => signal('SIGKILL'),
    () => undefined,
  );
  const end = await ended;
  timer.abort();
  await grace;
  return end;
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has gone meanwhile.
  }
}

function tailOf(file: string, lines: number): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
