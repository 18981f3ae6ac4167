import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';

const BIN = join(import.meta.dirname, '../../bin/autoheal.js');
const run = promisify(execFile);

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Env = Readonly<Record<string, string>>;
function envOf(url: string, env: Env): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', AUTOHEAL_URL: url, ...env };
}

/** The command line as a process of its own, with nothing of our environment. */
export async function autoheal(
  url: string,
  args: readonly string[],
  env: Env = {},
): Promise<Ended> {
  try {
    return { code: 0, ...(await run(process.execPath, [BIN, ...args], { env: envOf(url, env) })) };
  } catch (error) {
    return error as Ended;
  }
}

export interface Running {
  stdout(): string;
  stderr(): string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** The same for a command that does not end by itself. */
export function start(url: string, args: readonly string[], env: Env = {}): Running {
  const child = spawn(process.execPath, [BIN, ...args], { env: envOf(url, env) });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const ended = once(child, 'close');
  return {
    process: child,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
