import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, startProcess, type Running } from './process.ts';
import { inTemporaryFolder, onFreePort, untilReady } from './ready.ts';

export interface AutohealOptions {
  /** The rules folder; by default an empty one. */
  readonly rules?: string;
  /** Text of autoheal.yaml; none by default. */
  readonly policy?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What Node runs, instead of `bin/autoheal.js serve`. */
  readonly entry?: readonly string[];
}

/** The service as a process of its own, with a database of its own. */
export interface Autoheal {
  readonly url: string;
  /** Where it keeps its database, policy and logs; its environment's paths point here. */
  readonly folder: string;
  /** The process that runs now; another one after `restart`. */
  process(): Running;
  /** Sends a request with JSON in and out. */
  api(path: string, options?: ApiOptions): Promise<ApiAnswer>;
  /** Its log so far, across restarts; a line that is not JSON is `{ raw: line }`. */
  logs(): readonly Readonly<Record<string, unknown>>[];
  /** SIGKILL, and waits until it is gone. */
  kill9(): Promise<void>;
  /** Starts it again on the same port and data, after a stop or a kill. Waits for `ready_path`. */
  restart(env?: Readonly<Record<string, string>>, ready_path?: string): Promise<void>;
  /** SIGTERM; what it kept stays for `restart`. */
  stop(): Promise<Ended>;
  /** Stops it and removes what it kept. */
  dispose(): Promise<void>;
}
export interface ApiOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed when the answer is JSON, else its text. */
  readonly body: unknown;
}

const ROOT = join(import.meta.dirname, '../..');

/** @throws with its last output when it does not become ready. */
export function startAutoheal(options: AutohealOptions = {}): Promise<Autoheal> {
  return inTemporaryFolder('service', (folder) => startIn(folder, options));
}

async function startIn(folder: string, options: AutohealOptions): Promise<Autoheal> {
  for (const name of ['data', 'rules']) mkdirSync(join(folder, name));
  if (options.policy !== undefined) writeFileSync(join(folder, 'autoheal.yaml'), options.policy);
  let running: Running;
  const port = await onFreePort(async (free) => {
    running = await start(options, folder, free);
    return free;
  });
  const url = `http://127.0.0.1:${port}`;
  function stop(): Promise<Ended> {
    return running.stop();
  }
  return {
    url,
    folder,
    process: () => running,
    api: (path, request = {}) => callApi(url + path, request),
    logs: () => parseLog(join(folder, 'stdout')),
    async kill9() {
      running.signal('SIGKILL');
      await running.ended;
    },
    async restart(env, ready_path) {
      await running.stop();
      const again = { ...options, env: { ...options.env, ...env } };
      running = await start(again, folder, port, ready_path);
    },
    stop,
    async dispose() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function start(
  options: AutohealOptions,
  folder: string,
  port: number,
  ready_path = '/-/ready',
): Promise<Running> {
  const running = await startProcess({
    name: 'autoheal',
    program: process.execPath,
    args: options.entry ?? [join(ROOT, 'bin/autoheal.js'), 'serve'],
    env: environment(options, folder, port),
    cwd: folder,
    log_file: join(folder, 'stdout'),
    stderr_file: join(folder, 'stderr'),
  });
  try {
    await untilReady(running, `http://127.0.0.1:${port}${ready_path}`);
  } catch (error) {
    throw new Error(`${String(error)}\n--- its log\n${tailOf(join(folder, 'stdout'))}`, {
      cause: error,
    });
  }
  return running;
}

/** The developer's own settings must not leak into a test: nothing of autoheal's or Docker's is inherited. */
function environment(options: AutohealOptions, folder: string, port: number): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(AUTOHEAL_|DOCKER_|KUBE|OTEL_|VITEST|NODE_OPTIONS)/.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    AUTOHEAL_HOST: '127.0.0.1',
    AUTOHEAL_PORT: String(port),
    AUTOHEAL_DATABASE_URL: `sqlite:${join(folder, 'data/autoheal.db')}`,
    AUTOHEAL_RULES: options.rules ?? join(folder, 'rules'),
    // Where no engine is given there is none: a test must never find the machine's own.
    AUTOHEAL_DOCKER_HOST: `unix://${join(folder, 'no-docker.sock')}`,
    ...(options.policy === undefined ? {} : { AUTOHEAL_CONFIG: join(folder, 'autoheal.yaml') }),
    ...options.env,
  };
}

async function callApi(url: string, options: ApiOptions): Promise<ApiAnswer> {
  const has_body = options.body !== undefined;
  const answer = await fetch(url, {
    method: options.method ?? (has_body ? 'POST' : 'GET'),
    headers: { ...(has_body ? { 'content-type': 'application/json' } : {}), ...options.headers },
    ...(has_body ? { body: JSON.stringify(options.body) } : {}),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await answer.text();
  const is_json = /[/+]json/.test(answer.headers.get('content-type') ?? '');
  return {
    status: answer.status,
    headers: answer.headers,
    body: is_json && text !== '' ? JSON.parse(text) : text,
  };
}

function parseLog(file: string): readonly Readonly<Record<string, unknown>>[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => {
    try {
      return JSON.parse(line) as Record<string, unknown>;
    } catch {
      return { raw: line };
    }
  });
}

function tailOf(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-20).join('\n');
}
