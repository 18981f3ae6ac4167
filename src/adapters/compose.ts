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

const PROJECT = 'com.docker.compose.project';
const SERVICE = 'com.docker.compose.service';
const NUMBER = 'com.docker.compose.container-number';
const ONEOFF = 'com.docker.compose.oneoff';
/** Containers take their stop timeout to stop (10 s unless set), so they are stopped side by side. */
const SIDE_BY_SIDE = 5;

interface Replica {
  readonly id: string;
  readonly name: string;
  readonly number: number;
  readonly state: string;
  /** `Up 5 seconds (healthy)`: the engine's list has the health nowhere else. */
  readonly status: string;
  readonly labelled: boolean;
}
interface Service {
  readonly project: string;
  readonly service: string;
  /** In container-number order. */
  readonly replicas: readonly Replica[];
}

/**
 * Scales a Compose service by starting and stopping the replicas that exist. It never creates one:
 * whoever may create containers is root on the host.
 */
export function composeScaler(docker: () => Promise<Docker>): Scaler {
  async function find(ref: WorkloadRef, signal: AbortSignal): Promise<Service> {
    if (ref.kind !== 'compose') throw new TypeError(`not a Compose service: ${ref.kind}`);
    return theService(ref, await listOf(await docker(), ref, signal));
  }
  return {
    async look(ref, signal) {
      return workloadOf(await find(ref, signal));
    },
    async scale(ref, move, signal) {
      return await scale(await docker(), await find(ref, signal), move, signal);
    },
    async preview(ref, move, signal) {
      return previewOf(await find(ref, signal), move);
    },
    async health(ref, wanted, signal) {
      return healthOf(await find(ref, signal), wanted);
    },
  };
}

async function listOf(
  docker: Docker,
  ref: { readonly project: string | null; readonly service: string },
  signal: AbortSignal,
): Promise<readonly Docker.ContainerInfo[]> {
  const label = [`${SERVICE}=${ref.service}`];
  if (ref.project !== null) label.push(`${PROJECT}=${ref.project}`);
  try {
    return await docker.listContainers({ all: true, filters: { label }, abortSignal: signal });
  } catch (error) {
    throw classifyDocker(error);
  }
}

function theService(
  ref: { readonly project: string | null; readonly service: string },
  listed: readonly Docker.ContainerInfo[],
): Service {
  // `docker compose run` leaves containers that carry the service's labels and are none of its replicas.
  const replicas = listed.filter((one) => one.Labels[ONEOFF] !== 'True');
  const projects = [...new Set(replicas.map((one) => one.Labels[PROJECT] ?? ''))].toSorted();
  const [project] = projects;
  if (project === undefined)
    throw new ActionError(
      'not_found',
      `no container of the Compose service ${ref.service}${ref.project === null ? '' : ` in project ${ref.project}`}; has it been created on this engine?`,
      { retryable: false },
    );
  if (projects.length > 1)
    throw new ActionError(
      'ambiguous',
      `the Compose service ${ref.service} is in several projects: write ${projects
        .slice(0, 5)
        .map((name) => `compose/${name}/${ref.service}`)
        .join(' or ')}`,
      { retryable: false },
    );
  const inOrder = replicas.map(replicaOf).toSorted((a, b) => a.number - b.number);
  return { project, service: ref.service, replicas: inOrder };
}

function replicaOf(info: Docker.ContainerInfo): Replica {
  return {
    id: info.Id,
    name: (info.Names[0] ?? info.Id.slice(0, 12)).replace(/^\//, ''),
    number: Number(info.Labels[NUMBER] ?? 0),
    state: info.State,
    status: info.Status,
    labelled: info.Labels['autoheal'] === 'true',
  };
}

/** A paused or restarting replica is in use: starting it is no help, stopping it takes it away. */
function isUp(replica: Replica): boolean {
  return ['running', 'restarting', 'paused'].includes(replica.state);
}

function isStartable(replica: Replica): boolean {
  return replica.state === 'created' || replica.state === 'exited';
}

function workloadOf(found: Service): Workload {
  const { project, service, replicas } = found;
  const up = replicas.filter(isUp).length;
  const most = up + replicas.filter(isStartable).length;
  return {
    id: `compose/${project}/${service}`,
    name: service,
    replicas: up,
    most,
    most_hint: `only ${most} replicas exist, and autoheal creates none; make more, stopped: docker compose -p ${project} create --scale ${service}=N ${service}`,
    labelled: replicas.every((replica) => replica.labelled),
    opt_in_hint: `label every container of the service (compose file: labels: { autoheal: "true" }), or name compose/${service} under targets in the policy`,
  };
}

/** Which replicas a move touches: the lowest numbers are started first, the highest stopped first. */
function chosen(
  found: Service,
  to: number,
): { readonly start: Replica[]; readonly stop: Replica[] } {
  const up = found.replicas.filter(isUp);
  const startable = found.replicas.filter(isStartable);
  return {
    start: startable.slice(0, Math.max(0, to - up.length)),
    stop: to < up.length ? up.toReversed().slice(0, up.length - to) : [],
  };
}

async function scale(
  docker: Docker,
  found: Service,
  move: Move,
  signal: AbortSignal,
): Promise<Scaled> {
  const before = found.replicas.filter(isUp).length;
  const verdict = judgeMove(before, move);
  if (verdict === 'moved') return { kind: 'moved', replicas: before };
  if (verdict === 'there')
    return {
      kind: 'scaled',
      evidence: { changed: false, replicas_before: before, replicas: before },
    };
  const { start, stop } = chosen(found, move.to);
  const after = before + start.length - stop.length;
  if (after !== move.to)
    throw new ActionError(
      'limit_reached',
      `${move.to} replicas are wanted, but only ${after} exist; ${workloadOf(found).most_hint}`,
      { retryable: false },
    );
  // One after the other: a service that starts all at once can take the host down with it.
  for (const replica of start) await act(docker, replica, 'start', signal);
  await stopAll(docker, stop, signal);
  const evidence = {
    changed: true,
    replicas_before: before,
    replicas: after,
    started: start.map((replica) => replica.name),
    stopped: stop.map((replica) => replica.name),
  };
  return { kind: 'scaled', evidence };
}

async function stopAll(
  docker: Docker,
  stop: readonly Replica[],
  signal: AbortSignal,
): Promise<void> {
  for (let at = 0; at < stop.length; at += SIDE_BY_SIDE) {
    const group = stop.slice(at, at + SIDE_BY_SIDE);
    const ends = await Promise.allSettled(group.map((one) => act(docker, one, 'stop', signal)));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

async function act(
  docker: Docker,
  replica: Replica,
  verb: 'start' | 'stop',
  signal: AbortSignal,
): Promise<void> {
  const container = docker.getContainer(replica.id);
  try {
    await (verb === 'start'
      ? container.start({ abortSignal: signal })
      : container.stop({ abortSignal: signal }));
  } catch (error) {
    // 304: it is already so.
    if ((error as { statusCode?: unknown }).statusCode === 304) return;
    throw named(classifyDocker(error), `docker ${verb} ${replica.name}`);
  }
}

function named(error: ActionError, what: string): ActionError {
  return new ActionError(error.code, `${what}: ${error.message}`, {
    retryable: error.retryable,
    cause: error.cause,
  });
}

function previewOf(found: Service, move: Move): string {
  const now = found.replicas.filter(isUp).length;
  const { start, stop } = chosen(found, move.to);
  const parts = [
    start.length > 0 ? `start ${start.map((one) => one.name).join(', ')}` : '',
    stop.length > 0 ? `stop ${stop.map((one) => one.name).join(', ')}` : '',
  ].filter((part) => part !== '');
  const what = parts.length > 0 ? parts.join(' and ') : 'nothing to do';
  return `compose/${found.project}/${found.service}: ${now} -> ${move.to} replicas: ${what}`;
}

function healthOf(found: Service, wanted: number): Health {
  const up = found.replicas.filter(isUp);
  // A stopped replica stays stopped: nothing but us starts it again.
  if (up.length < wanted) return 'failed';
  const serving = up.filter(
    (one) => one.state === 'running' && !/\((health: starting|unhealthy)\)/.test(one.status),
  );
  return serving.length >= wanted ? 'healthy' : 'pending';
}
