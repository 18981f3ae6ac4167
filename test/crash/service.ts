import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Receiver, startReceiver } from '../fakes/receiver.ts';
import { type Running, startProcess } from '../real/process.ts';
import { freePort, temporaryFolder, untilReady } from '../real/ready.ts';

const CHILD = fileURLToPath(new URL('./service-child.ts', import.meta.url));
const API_TIMEOUT_MS = 10_000;

/** What the rules of a run say; each rule is for alerts of its own name. */
export interface Setup {
  readonly rules: Readonly<Record<string, string>>;
  /** Sections of the policy besides its notifier `page`. */
  readonly policy?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly node_args?: readonly string[];
  /** Where Node keeps compiled code; shared between services, it saves each start a third of a second. */
  readonly cache?: string;
}

/** A database that outlives the processes which are started on it, one after the other. */
export interface Service {
  readonly url: string;
  readonly database: string;
  readonly journal: string;
  /** Takes what the notifier `page` sends. */
  readonly pager: Receiver;
  /** Starts a process on the database; does not wait for it. Its address stays the same. */
  spawn(env?: Readonly<Record<string, string>>): Promise<Running>;
  /** Resolves when the process serves. @throws when it ends before. */
  ready(running: Running): Promise<void>;
  /** A GET, or a POST where there is a body. @throws where no answer comes. */
  api(path: string, body?: unknown, method?: string): Promise<Answer>;
  /** What all its processes wrote. */
  log(): string;
  dispose(): Promise<void>;
}
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export async function openService(setup: Setup): Promise<Service> {
  const folder = temporaryFolder('crash');
  const pager = await startReceiver();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  mkdirSync(join(folder, 'rules'));
  for (const [name, text] of Object.entries(setup.rules))
    writeFileSync(join(folder, 'rules', `${name}.yaml`), `name: ${name}\n${text}`);
  const policy = `notifiers: { page: { url: '${pager.url}' } }\n${setup.policy ?? ''}`;
  writeFileSync(join(folder, 'autoheal.yaml'), policy);
  const database = join(folder, 'autoheal.db');
  const journal = join(folder, 'journal');
  const settings = {
    PATH: process.env['PATH'] ?? '',
    NODE_COMPILE_CACHE: setup.cache ?? join(folder, 'cache'),
    AUTOHEAL_PORT: String(port),
    AUTOHEAL_DATABASE_URL: `sqlite:${database}`,
    AUTOHEAL_RULES: join(folder, 'rules'),
    AUTOHEAL_CONFIG: join(folder, 'autoheal.yaml'),
    AUTOHEAL_DOCKER_HOST: `unix://${join(folder, 'no-docker.sock')}`,
    AUTOHEAL_LOG_LEVEL: 'error',
    CRASH_JOURNAL: journal,
    ...setup.env,
  };
  const started = new Set<Running>();
  return {
    url,
    database,
    journal,
    pager,
    async spawn(env = {}) {
      const running = await startProcess({
        name: 'autoheal',
        program: process.execPath,
        args: [...(setup.node_args ?? []), CHILD],
        env: { ...settings, ...env },
        cwd: folder,
        log_file: join(folder, 'log'),
      });
      started.add(running);
      void running.ended.then(() => started.delete(running));
      return running;
    },
    ready: (running) => untilReady(running, `${url}/-/ready`),
    api: (path, body, method) => call(url + path, body, method),
    log: () => readFileSync(join(folder, 'log'), 'utf8'),
    async dispose() {
      for (const running of started) {
        running.signal('SIGKILL');
        await running.ended;
      }
      await pager.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Alertmanager by its name, because only its copies of one alert are recognised as copies. */
async function call(url: string, body: unknown, method?: string): Promise<Answer> {
  const answer = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { 'content-type': 'application/json', 'user-agent': 'Alertmanager/0.31.0' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(API_TIMEOUT_MS),
  });
  const text = await answer.text();
  return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}
