import { spawn, type ChildProcess } from 'node:child_process';

export interface Ran {
  readonly code: number;
  /** stdout and stderr together; empty when the output was shown at once. */
  readonly output: string;
  readonly seconds: number;
}
export interface RunOptions {
  /** Print while it runs instead of collecting. */
  readonly show: boolean;
  readonly timeout_ms: number;
  readonly env?: NodeJS.ProcessEnv;
}

const children = new Set<ChildProcess>();
let interrupted = false;

/** Runs a program to its end without stdin. A program that cannot start, or is too slow, has code 127 or 124. */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  if (interrupted) return Promise.resolve({ code: 130, output: 'interrupted', seconds: 0 });
  const begin = performance.now();
  const child = spawn(program, args, {
    stdio: ['ignore', options.show ? 'inherit' : 'pipe', options.show ? 'inherit' : 'pipe'],
    env: options.env ?? process.env,
    // A group of its own: whatever it leaves behind can be ended with it.
    detached: true,
  });
  children.add(child);
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => output.push(chunk));
  }
  let late = '';
  const timer = setTimeout(() => {
    late = `\nstopped: it took longer than ${options.timeout_ms / 1000} s\n`;
    stop(child);
  }, options.timeout_ms);
  return new Promise((resolve) => {
    function finish(code: number, note: string): void {
      clearTimeout(timer);
      children.delete(child);
      const text = Buffer.concat(output).toString('utf8') + note;
      if (options.show && note !== '') console.error(note);
      resolve({ code, output: text, seconds: (performance.now() - begin) / 1000 });
    }
    child.once('error', (error) => finish(127, `\n${program}: ${error.message}\n`));
    child.once('exit', () => signalGroup(child, 'SIGKILL'));
    child.once('close', (code) => finish(late === '' ? (code ?? 1) : 124, late));
  });
}

/** SIGTERM, and SIGKILL 15 s later: the tests need a moment to take their real parts down. */
function stop(child: ChildProcess): void {
  signalGroup(child, 'SIGTERM');
  setTimeout(() => {
    if (children.has(child)) signalGroup(child, 'SIGKILL');
  }, 15_000).unref();
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody of the group is left.
  }
}

/** Ctrl-C and `kill` reach what we started; we leave when it has gone. */
export function passSignalsOn(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      interrupted = true;
      process.exitCode = code;
      for (const child of children) stop(child);
    });
  }
}
