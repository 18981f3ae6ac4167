import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { ActionError, type CommandOptions, type CommandResult, type Commands } from '../action.ts';
import type { Backend } from '../ports.ts';
import { KILL_AFTER_MS, type Job, signalGroup } from './command-group.ts';
import type { News, Order } from './command-helper.ts';
import { messageOf, within } from './net-errors.ts';

export interface CommandsAdapter extends Commands {
  readonly backend: Backend;
  /** The helper's pid, where one runs. */
  helperPid(): number | undefined;
  /** Ends what runs, and the helper. */
  close(): Promise<void>;
}

/** Beside this file, in the form that runs here: .ts from the sources, .js once built. */
const HELPER = new URL(`./command-helper${extname(import.meta.url)}`, import.meta.url);
/** The helper ends after its programs; then it is killed. */
const CLOSE_WITHIN_MS = KILL_AFTER_MS + 2_000;
/** A stop that was asked for is answered by then, or the helper is ill. */
const STOP_WITHIN_MS = KILL_AFTER_MS + 3_000;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Runs programs through a helper process, which is started with the first program and again whenever
 * it died. A program whose helper died is stopped, and its run fails: it is never begun again here.
 */
export function createCommands(): CommandsAdapter {
  let helper: Helper | undefined;
  function current(): Helper {
    if (helper === undefined || helper.gone()) helper = startHelper();
    return helper;
  }
  return {
    backend: { name: 'commands', classify: classifyCommand },
    helperPid: () => (helper === undefined || helper.gone() ? undefined : helper.child.pid),
    async run(argv, options) {
      if (options.signal.aborted) throw timedOut();
      return await current().run(jobOf(argv, options), options.signal);
    },
    async close() {
      await helper?.close();
    },
  };
}

/** The program gets nothing of the service's own environment: that is where the secrets are. */
function jobOf(argv: readonly string[], { env, cwd }: CommandOptions): Job {
  return { argv, cwd: cwd ?? '/', env: { PATH, LANG: 'C.UTF-8', ...env } };
}

interface Waiting {
  pid: number | undefined;
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (error: ActionError) => void;
}
interface Helper {
  readonly child: ChildProcess;
  gone(): boolean;
  run(job: Job, signal: AbortSignal): Promise<CommandResult>;
  close(): Promise<void>;
}

function startHelper(): Helper {
  const child = fork(HELPER, [], {
    execArgv: [],
    env: { PATH, LANG: 'C.UTF-8' },
    cwd: '/',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  // Idle, it must not keep a service alive that is done.
  child.unref();
  child.channel?.unref();
  const waiting = new Map<number, Waiting>();
  const gone = watch(child, waiting);
  let last_id = 0;
  return {
    child,
    gone,
    run(job, signal) {
      last_id += 1;
      return runIn({ child, waiting }, last_id, job, signal);
    },
    async close() {
      if (gone()) return;
      child.ref();
      const exited = once(child, 'exit');
      if (child.connected) child.disconnect();
      const late = await within(
        exited.then(() => false),
        CLOSE_WITHIN_MS,
        true,
        () => true,
      );
      if (late) child.kill('SIGKILL');
    },
  };
}

/** How long the end of the channel may come after the end of the process. */
const LAST_WORDS_MS = 1_000;

/** Settles what waits as news come. @returns whether the helper has ended. */
function watch(child: ChildProcess, waiting: Map<number, Waiting>): () => boolean {
  let ended = false;
  function lose(): void {
    if (ended) return;
    ended = true;
    // Not killed: without its channel it stops what it began, also what it had not told of yet, and ends.
    if (child.connected) child.disconnect();
    for (const { pid, reject } of waiting.values()) {
      // Nobody watches it any more.
      if (pid !== undefined) signalGroup(pid, 'SIGKILL');
      reject(lost());
    }
    waiting.clear();
  }
  child.on('message', (news: News) => {
    const one = waiting.get(news.id);
    if (one === undefined) return;
    if (news.kind === 'started') one.pid = news.pid;
    else waiting.delete(news.id);
    if (news.kind === 'ended') one.resolve(news.result);
    if (news.kind === 'failed') one.reject(startFailure(news.code));
  });
  child.on('error', lose);
  // What it said before its end may come after it; the channel's end, which follows, has all of it.
  child.on('exit', () => setTimeout(lose, LAST_WORDS_MS).unref());
  child.on('disconnect', () => {
    // Told to go by `close`: it ends by itself once its programs have.
    if (waiting.size > 0) lose();
    else ended = true;
  });
  return () => ended;
}

async function runIn(
  { child, waiting }: { readonly child: ChildProcess; readonly waiting: Map<number, Waiting> },
  id: number,
  job: Job,
  signal: AbortSignal,
): Promise<CommandResult> {
  const result = new Promise<CommandResult>((resolve, reject) => {
    waiting.set(id, { pid: undefined, resolve, reject });
  });
  function send(order: Order): void {
    child.send(order, (error) => {
      if (error !== null) waiting.get(id)?.reject(lost());
    });
  }
  let given_up: NodeJS.Timeout | undefined;
  function stop(): void {
    send({ kind: 'stop', id });
    given_up = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  }
  signal.addEventListener('abort', stop, { once: true });
  child.channel?.ref();
  send({ kind: 'run', id, job });
  try {
    const end = await result;
    if (signal.aborted) throw timedOut();
    return end;
  } finally {
    clearTimeout(given_up);
    signal.removeEventListener('abort', stop);
    waiting.delete(id);
    if (waiting.size === 0) child.channel?.unref();
  }
}

function timedOut(): ActionError {
  return new ActionError('timeout', 'the command did not end in time and was stopped', {
    retryable: false,
  });
}

/** Not retryable: the program had perhaps done half of its work. */
function lost(): ActionError {
  return new ActionError(
    'unavailable',
    'the process that runs commands ended, so the command was stopped; how far it came is not known',
    { retryable: false },
  );
}

function startFailure(code: string): ActionError {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return failure('not_found', 'the program, its interpreter or cwd is not there', code);
    case 'EACCES':
    case 'EPERM':
      return failure('forbidden', "autoheal's user may not run the program or enter cwd", code);
    case 'ENOEXEC':
      return failure('rejected', 'the file is no program; does it begin with #!?', code);
    case 'E2BIG':
    case 'ERR_INVALID_ARG_VALUE':
      return failure('invalid_params', 'the arguments or the environment cannot be passed', code);
    default:
      // Nothing was begun: too many processes, no memory.
      return new ActionError('unavailable', `the program could not be started (${code})`, {
        retryable: true,
      });
  }
}

function failure(
  code: 'not_found' | 'forbidden' | 'rejected' | 'invalid_params',
  message: string,
  system: string,
): ActionError {
  return new ActionError(code, `${message} (${system})`, { retryable: false });
}

function classifyCommand(error: unknown): ActionError {
  if (error instanceof ActionError) return error;
  return new ActionError('unexpected', messageOf(error), { retryable: false, cause: error });
}
