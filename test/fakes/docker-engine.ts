import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, type FakeServer, type Reply, type Seen, serve } from './http.ts';
import { createSwarm, type FakeSwarm, SWARM_QUERIES } from './swarm.ts';

/** A container of the fake; tests change it in place to say what happened behind autoheal's back. */
export interface FakeContainer {
  readonly id: string;
  readonly name: string;
  readonly labels: Record<string, string>;
  status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  started_at: string;
  exit_code: number;
  restart_count: number;
  /** null: no health check. A start sets it to `starting`, as the engine does. */
  health: 'starting' | 'healthy' | 'unhealthy' | null;
  failing_streak: number;
}
export interface FakeDocker {
  /** `unix:///...` */
  readonly host: string;
  readonly socket: string;
  readonly requests: readonly Seen[];
  /** `POST /containers/<name>/restart?t=10`, for each call that changes something. */
  readonly changes: readonly string[];
  add(container: Partial<FakeContainer> & { readonly name: string }): FakeContainer;
  /** Replicas of a Compose service, numbered from 1, with these states. */
  addService(
    project: string,
    service: string,
    states: readonly FakeContainer['status'][],
    labels?: Record<string, string>,
  ): FakeContainer[];
  remove(name: string): void;
  /** Makes the engine a manager with its first service. */
  readonly swarm: FakeSwarm;
  /** The next `times` requests whose `METHOD path` matches are answered so instead. */
  fail(match: RegExp, answer: Answer, times?: number): void;
  /** Runs before a request that matches is handled: what others do at that very moment. */
  before(match: RegExp, act: () => void | Promise<void>): void;
  close(): Promise<void>;
}

const NEVER = '0001-01-01T00:00:00Z';
/** Query keys of each call, as in the Engine API; a real engine ignores others, we refuse them. */
const KNOWN_QUERIES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^GET \/containers\/json$/, ['all', 'filters', 'limit', 'size']],
  [/^GET \/containers\/[^/]+\/json$/, ['size']],
  [/^POST \/containers\/[^/]+\/(restart|stop)$/, ['t', 'signal']],
  [/^POST \/containers\/[^/]+\/start$/, ['detachKeys']],
  [/^GET \/(version|_ping)$/, []],
  ...SWARM_QUERIES,
];

/** Docker's Engine API over a unix socket: list, inspect, start, stop, restart, version, ping, Swarm. */
export async function startDockerEngine(): Promise<FakeDocker> {
  const dir = await mkdtemp(join(tmpdir(), 'autoheal-docker-'));
  const socket = join(dir, 'docker.sock');
  const containers = new Map<string, FakeContainer>();
  const changes: string[] = [];
  const scripted: { match: RegExp; answer: Answer; times: number }[] = [];
  const hooks: { match: RegExp; act: () => void | Promise<void> }[] = [];
  const swarm = createSwarm();

  async function answer(seen: Seen): Promise<Answer> {
    const line = `${seen.method} ${seen.path.replace(/^\/v1\.\d+/, '')}`;
    for (const hook of hooks) if (hook.match.test(line)) await hook.act();
    const script = scripted.find((one) => one.times > 0 && one.match.test(line));
    if (script !== undefined) {
      script.times -= 1;
      return script.answer;
    }
    return (
      strict(line, seen) ??
      swarm.handle(line, seen, changes) ??
      handle(line, seen, containers, changes)
    );
  }

  const server: FakeServer = await serve(answer, socket);
  function add(given: Partial<FakeContainer> & { readonly name: string }): FakeContainer {
    const container = containerOf(given);
    containers.set(container.id, container);
    return container;
  }
  return {
    host: `unix://${socket}`,
    socket,
    requests: server.requests,
    changes,
    swarm,
    add,
    addService: (project, service, states, labels = { autoheal: 'true' }) =>
      states.map((status, index) =>
        add({
          name: `${project}-${service}-${index + 1}`,
          status,
          labels: { ...composeLabels(project, service, index + 1), ...labels },
        }),
      ),
    remove(name) {
      for (const one of containers.values()) if (one.name === name) containers.delete(one.id);
    },
    fail: (match, failure, times = 1) => scripted.push({ match, answer: failure, times }),
    before: (match, act) => hooks.push({ match, act }),
    async close() {
      await server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function composeLabels(
  project: string,
  service: string,
  number: number,
): Record<string, string> {
  return {
    'com.docker.compose.project': project,
    'com.docker.compose.service': service,
    'com.docker.compose.container-number': String(number),
    'com.docker.compose.oneoff': 'False',
  };
}

function containerOf(given: Partial<FakeContainer> & { readonly name: string }): FakeContainer {
  const status = given.status ?? 'running';
  const ran = status !== 'created';
  return {
    id: createHash('sha256').update(given.name).digest('hex'),
    labels: {},
    status,
    started_at: ran ? '2026-01-01T00:00:00.123456789Z' : NEVER,
    exit_code: 0,
    restart_count: 0,
    health: null,
    failing_streak: 0,
    ...given,
  };
}

/** What a real engine would pass over in silence, so that a mistake in a call is seen. */
function strict(line: string, seen: Seen): Reply | undefined {
  const known = KNOWN_QUERIES.find(([match]) => match.test(line));
  if (known === undefined) return { status: 404, body: { message: 'page not found' } };
  const unknown = [...seen.query.keys()].filter((key) => !known[1].includes(key));
  if (unknown.length > 0)
    return { status: 400, body: { message: `unknown query ${unknown.join(', ')}` } };
  // Since API 1.24 a start with a body is refused.
  if (line.endsWith('/start') && seen.body !== '')
    return { status: 400, body: { message: 'starting container with non-empty request body' } };
  const t = seen.query.get('t');
  if (t !== null && !/^-?\d+$/.test(t))
    return { status: 400, body: { message: `strconv.Atoi: parsing "${t}": invalid syntax` } };
  return undefined;
}

function handle(
  line: string,
  seen: Seen,
  containers: ReadonlyMap<string, FakeContainer>,
  changes: string[],
): Reply {
  if (line === 'GET /_ping') return { status: 200, body: 'OK' };
  if (line === 'GET /version')
    return { status: 200, body: { Version: '20.10.24', ApiVersion: '1.41' } };
  if (line === 'GET /containers/json') return listed(seen, [...containers.values()]);
  const [, , ref = '', verb = ''] = line.split(' ')[1]?.split('/') ?? [];
  const found = lookUp(decodeURIComponent(ref), [...containers.values()]);
  if (found === undefined) return { status: 404, body: { message: `No such container: ${ref}` } };
  if (verb === 'json') return { status: 200, body: inspected(found) };
  changes.push(
    `${seen.method} /containers/${found.name}/${verb}${seen.query.size > 0 ? `?${seen.query.toString()}` : ''}`,
  );
  return change(found, verb);
}

/** As the engine: full id, then name, then the shortest prefix that is unique. */
function lookUp(ref: string, all: readonly FakeContainer[]): FakeContainer | undefined {
  const exact = all.find((one) => one.id === ref || one.name === ref);
  if (exact !== undefined) return exact;
  const prefixed = all.filter((one) => one.id.startsWith(ref));
  return prefixed.length === 1 ? prefixed[0] : undefined;
}

function change(found: FakeContainer, verb: string): Reply {
  if (found.status === 'removing' || found.status === 'dead')
    return {
      status: 409,
      body: { message: `container is marked for removal and cannot be started` },
    };
  if (verb === 'start' && found.status === 'running') return { status: 304 };
  if (verb === 'stop' && ['exited', 'created'].includes(found.status)) return { status: 304 };
  if (verb === 'stop') {
    found.status = 'exited';
    found.exit_code = 137;
    return { status: 204 };
  }
  started(found);
  return { status: 204 };
}

/** What a start does to a container: a new StartedAt, counters at nought, the health unknown again. */
export function started(found: FakeContainer, at = new Date()): void {
  found.status = 'running';
  found.exit_code = 0;
  found.restart_count = 0;
  found.failing_streak = 0;
  found.started_at = at.toISOString().replace('Z', '000001Z');
  if (found.health !== null) found.health = 'starting';
}

function listed(seen: Seen, all: readonly FakeContainer[]): Reply {
  const filters = JSON.parse(seen.query.get('filters') ?? '{}') as Record<string, string[]>;
  const unknown = Object.keys(filters).filter((key) => key !== 'label');
  if (unknown.length > 0)
    return { status: 400, body: { message: `invalid filter '${unknown[0]}'` } };
  const everything = ['true', '1'].includes(seen.query.get('all') ?? '');
  const found = all
    .filter((one) => everything || ['running', 'paused', 'restarting'].includes(one.status))
    .filter((one) => (filters['label'] ?? []).every((label) => hasLabel(one, label)));
  return { status: 200, body: found.map(summary) };
}

function hasLabel(one: FakeContainer, label: string): boolean {
  const at = label.indexOf('=');
  if (at < 0) return label in one.labels;
  return one.labels[label.slice(0, at)] === label.slice(at + 1);
}

function summary(one: FakeContainer): object {
  const health = one.health === 'starting' ? 'health: starting' : one.health;
  const up = `Up 5 seconds${health === null ? '' : ` (${health})`}`;
  return {
    Id: one.id,
    Names: [`/${one.name}`],
    Labels: one.labels,
    State: one.status,
    Status: one.status === 'running' ? up : `Exited (${one.exit_code}) 5 seconds ago`,
  };
}

function inspected(one: FakeContainer): object {
  const up = ['running', 'paused', 'restarting'].includes(one.status);
  const health = { Status: one.health, FailingStreak: one.failing_streak, Log: [] };
  return {
    Id: one.id,
    Name: `/${one.name}`,
    RestartCount: one.restart_count,
    Config: {
      Labels: one.labels,
      ...(one.health === null ? {} : { Healthcheck: { Test: ['CMD', 'true'], Retries: 3 } }),
    },
    State: {
      Status: one.status,
      Running: up,
      Paused: one.status === 'paused',
      StartedAt: one.started_at,
      ExitCode: one.exit_code,
      ...(one.health === null ? {} : { Health: health }),
    },
  };
}
