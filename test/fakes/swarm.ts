import { createHash } from 'node:crypto';
import type { Reply, Seen } from './http.ts';

/** A service of the fake; tests change it in place to say what happened behind autoheal's back. */
export interface FakeSwarmService {
  readonly id: string;
  readonly name: string;
  labels: Record<string, string>;
  /** undefined: a global service. */
  replicas: number | undefined;
  /** Tasks that run; the orchestrator follows `replicas` at once unless `lazy`. */
  running: number;
  lazy: boolean;
  version: number;
  /** The container's spec, which a write must send back as it was. */
  readonly task: object;
}
export interface FakeSwarm {
  add(service: Partial<FakeSwarmService> & { readonly name: string }): FakeSwarmService;
  handle(line: string, seen: Seen, changes: string[]): Reply | undefined;
  /** No node of a Swarm any more: every call answers 503. */
  leave(): void;
}

export const SWARM_QUERIES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^GET \/services\/[^/]+$/, ['insertDefaults']],
  [/^POST \/services\/[^/]+\/update$/, ['version', 'registryAuthFrom', 'rollback']],
  [/^GET \/tasks$/, ['filters']],
  [/^GET \/info$/, []],
];

/** Services and tasks of a Swarm manager, with the engine's own refusals. */
export function createSwarm(): FakeSwarm {
  const services = new Map<string, FakeSwarmService>();
  let member = false;
  return {
    add(given) {
      member = true;
      const service: FakeSwarmService = {
        id: createHash('sha256').update(given.name).digest('hex').slice(0, 25),
        labels: { autoheal: 'true' },
        replicas: 1,
        running: given.replicas ?? 1,
        lazy: false,
        version: 10,
        task: { ContainerSpec: { Image: 'worker:1', Env: ['A=1'] }, RestartPolicy: { Delay: 5e9 } },
        ...given,
      };
      services.set(service.id, service);
      return service;
    },
    leave() {
      member = false;
    },
    handle(line, seen, changes) {
      if (line === 'GET /info')
        return {
          status: 200,
          body: {
            Swarm: { LocalNodeState: member ? 'active' : 'inactive', ControlAvailable: member },
          },
        };
      if (!/^\w+ \/(services|tasks)/.test(line)) return undefined;
      if (!member)
        return {
          status: 503,
          body: { message: 'This node is not a swarm manager. Use "docker swarm init" first.' },
        };
      if (line === 'GET /tasks') return { status: 200, body: tasksOf(seen, services) };
      return onService(line, seen, services, changes);
    },
  };
}

function onService(
  line: string,
  seen: Seen,
  services: ReadonlyMap<string, FakeSwarmService>,
  changes: string[],
): Reply {
  const [, , ref = '', verb] = line.split(' ')[1]?.split('/') ?? [];
  const found = lookUp(decodeURIComponent(ref), [...services.values()]);
  if (found === undefined) return { status: 404, body: { message: `service ${ref} not found` } };
  if (verb !== 'update') return { status: 200, body: inspected(found) };
  return update(seen, found, changes);
}

/** As the engine: id, then name, then the beginning of an id. */
function lookUp(ref: string, all: readonly FakeSwarmService[]): FakeSwarmService | undefined {
  const exact = all.find((one) => one.id === ref) ?? all.find((one) => one.name === ref);
  return exact ?? all.find((one) => one.id.startsWith(ref));
}

interface WrittenSpec {
  readonly Name?: string;
  readonly Labels?: Record<string, string>;
  readonly TaskTemplate?: object;
  readonly Mode?: { readonly Replicated?: { readonly Replicas?: number } };
}

function update(seen: Seen, found: FakeSwarmService, changes: string[]): Reply {
  const version = seen.query.get('version') ?? '';
  if (!/^\d+$/.test(version))
    return { status: 400, body: { message: `invalid service version '${version}'` } };
  if (Number(version) !== found.version)
    return {
      status: 500,
      body: { message: 'rpc error: code = Unknown desc = update out of sequence' },
    };
  const spec = JSON.parse(seen.body) as WrittenSpec;
  if (spec.Name !== found.name)
    return { status: 400, body: { message: 'renaming services is not supported' } };
  // A real engine would take away what is left out; here that is a mistake.
  if (
    JSON.stringify([spec.TaskTemplate, spec.Labels]) !== JSON.stringify([found.task, found.labels])
  )
    return { status: 400, body: { message: 'the spec was not sent back whole' } };
  const replicas = spec.Mode?.Replicated?.Replicas;
  if (replicas === undefined)
    return { status: 400, body: { message: 'service mode change is not allowed' } };
  changes.push(`POST /services/${found.name}/update?version=${version} replicas=${replicas}`);
  written(found, { replicas });
  if (!found.lazy) found.running = replicas;
  return { status: 200, body: { Warnings: null } };
}

/** Somebody wrote the service: its version moves. */
export function written(service: FakeSwarmService, change: Partial<FakeSwarmService> = {}): void {
  Object.assign(service, change);
  service.version += 1;
}

function inspected(one: FakeSwarmService): object {
  const mode =
    one.replicas === undefined ? { Global: {} } : { Replicated: { Replicas: one.replicas } };
  return {
    ID: one.id,
    Version: { Index: one.version },
    Spec: { Name: one.name, Labels: one.labels, TaskTemplate: one.task, Mode: mode },
  };
}

function tasksOf(seen: Seen, services: ReadonlyMap<string, FakeSwarmService>): readonly object[] {
  const filters = JSON.parse(seen.query.get('filters') ?? '{}') as Record<string, string[]>;
  const wanted = [...services.values()].filter(({ id, name }) =>
    (filters['service'] ?? [id]).some((one) => one === id || one === name),
  );
  return wanted.flatMap(({ id, replicas = 1, running }) =>
    Array.from({ length: Math.max(replicas, running) }, (_, index) => ({
      ServiceID: id,
      DesiredState: index < replicas ? 'running' : 'shutdown',
      Status: { State: index < running ? 'running' : 'preparing' },
    })).filter((task) =>
      (filters['desired-state'] ?? [task.DesiredState]).includes(task.DesiredState),
    ),
  );
}
