import type Docker from 'dockerode';
import { ActionError, type Health } from '../action.ts';
import { classifyDocker } from './docker.ts';
import {
  judgeMove,
  type Move,
  type Scaled,
  type Scaler,
  type Workload,
  type WorkloadRef,
} from './scaler.ts';

/** The orchestrator and other people write services too; each write moves the version under ours. */
const CONFLICTS_MAX = 5;
/** Swarm's own default where a replicated service says no count. */
const REPLICAS_DEFAULT = 1;

/** A replicated service as it was read; `spec` is sent back whole, with the count changed. */
interface Service {
  readonly id: string;
  readonly name: string;
  /** Of the object; a write must name the one that it read. */
  readonly version: number;
  readonly replicas: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: Docker.ServiceSpec;
}

/** Scales a replicated service of a Swarm; the engine must be one of its managers. */
export function swarmScaler(docker: () => Promise<Docker>): Scaler {
  async function find(ref: WorkloadRef, signal: AbortSignal): Promise<Service> {
    return await readService(await docker(), nameOf(ref), signal);
  }
  return {
    async look(ref, signal) {
      return workloadOf(await find(ref, signal));
    },
    async scale(ref, move, signal) {
      return await scale(await docker(), nameOf(ref), move, signal);
    },
    async preview(ref, move, signal) {
      const { name, replicas } = await find(ref, signal);
      const rest = replicas === move.to ? ': nothing to do' : '';
      return `swarm/${name}: ${replicas} -> ${move.to} replicas${rest}`;
    },
    async health(ref, wanted, signal) {
      const found = await find(ref, signal);
      return healthOf(found, await runningTasks(await docker(), found, signal), wanted);
    },
  };
}

function nameOf(ref: WorkloadRef): string {
  if (ref.kind !== 'swarm') throw new TypeError(`not a Swarm service: ${ref.kind}`);
  return ref.service;
}

async function readService(docker: Docker, name: string, signal: AbortSignal): Promise<Service> {
  const found = await inspect(docker, name, signal);
  const spec = found.Spec;
  // The engine takes an id, or the beginning of one, for a name as well.
  if (spec?.Name !== name)
    throw new ActionError('not_found', `no service ${name} in this Swarm`, { retryable: false });
  const replicated = spec.Mode?.Replicated;
  if (replicated === undefined)
    throw new ActionError(
      'invalid_params',
      `the service ${name} is not replicated (${Object.keys(spec.Mode ?? {}).join()}): a global service has one task on each node, a job ends by itself; neither is scaled`,
      { retryable: false },
    );
  return {
    id: found.ID,
    name,
    version: found.Version?.Index ?? 0,
    replicas: replicated.Replicas ?? REPLICAS_DEFAULT,
    labels: spec.Labels ?? {},
    spec,
  };
}

async function inspect(
  docker: Docker,
  name: string,
  abortSignal: AbortSignal,
): Promise<Docker.Service> {
  try {
    return (await docker.getService(name).inspect({ abortSignal })) as Docker.Service;
  } catch (error) {
    throw explained(error);
  }
}

function workloadOf(found: Service): Workload {
  return {
    id: `swarm/${found.name}`,
    name: found.name,
    replicas: found.replicas,
    most: null,
    most_hint: '',
    labelled: found.labels['autoheal'] === 'true',
    opt_in_hint: `docker service update --label-add autoheal=true ${found.name} (in a stack file: deploy: { labels: { autoheal: "true" } }), or name swarm/${found.name} under targets in the policy`,
  };
}

async function scale(
  docker: Docker,
  name: string,
  move: Move,
  signal: AbortSignal,
): Promise<Scaled> {
  for (let tries = 1; ; tries += 1) {
    const found = await readService(docker, name, signal);
    const now = found.replicas;
    const verdict = judgeMove(now, { ...move, resume: false });
    if (verdict === 'moved') return { kind: 'moved', replicas: now };
    if (verdict === 'there')
      return { kind: 'scaled', evidence: { changed: false, replicas_before: now, replicas: now } };
    if (!(await write(docker, found, move.to, signal, tries))) continue;
    const evidence = {
      changed: true,
      replicas_before: now,
      replicas: move.to,
      version: found.version,
    };
    return { kind: 'scaled', evidence };
  }
}

/** @returns false after a conflict that is worth another look. */
async function write(
  docker: Docker,
  found: Service,
  replicas: number,
  abortSignal: AbortSignal,
  tries: number,
): Promise<boolean> {
  const spec = { ...found.spec, Mode: { Replicated: { Replicas: replicas } } };
  try {
    await docker
      .getService(found.id)
      .update({ _query: { version: found.version }, _body: spec, abortSignal });
    return true;
  } catch (error) {
    if (!isStale(error)) throw explained(error);
    if (tries < CONFLICTS_MAX) return false;
    throw new ActionError(
      'conflict',
      `the service ${found.name} changed under each of ${CONFLICTS_MAX} writes; somebody else is at work on it`,
      { retryable: true },
    );
  }
}

/** A version that is not the newest any more: the engine answers 500, not 409. */
function isStale(error: unknown): boolean {
  const { statusCode, message } = error as { statusCode?: unknown; message?: unknown };
  return statusCode === 500 && String(message).includes('update out of sequence');
}

/** Tasks that are to run and do. */
async function runningTasks(
  docker: Docker,
  { id }: Service,
  abortSignal: AbortSignal,
): Promise<number> {
  const filters = { service: [id], 'desired-state': ['running'] };
  try {
    const tasks = (await docker.listTasks({
      filters: JSON.stringify(filters),
      abortSignal,
    })) as readonly { readonly Status?: { readonly State?: string } }[];
    return tasks.filter((task) => task.Status?.State === 'running').length;
  } catch (error) {
    throw explained(error);
  }
}

/** Swarm starts a task that fell over again by itself, so too few running ones are not given up here. */
function healthOf(found: Service, running: number, wanted: number): Health {
  if (found.replicas < wanted) return 'failed';
  return running === found.replicas ? 'healthy' : 'pending';
}

/** 503 is what an engine outside a Swarm, or a worker in one, answers; waiting does not help it. */
function explained(error: unknown): ActionError {
  const failure = classifyDocker(error);
  if ((error as { statusCode?: unknown }).statusCode !== 503) return failure;
  return new ActionError(
    'not_configured',
    `${failure.message} AUTOHEAL_DOCKER_HOST must lead to a manager of the Swarm`,
    { retryable: false, cause: error },
  );
}
