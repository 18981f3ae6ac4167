import type Docker from 'dockerode';
import { ActionError, type Health } from '../action.ts';
import { classifyDocker } from './docker.ts';

/** What `docker inspect` says, as far as actions look at it. */
export interface ContainerState {
  readonly id: string;
  readonly name: string;
  /** created, running, paused, restarting, removing, exited, dead */
  readonly status: string;
  readonly running: boolean;
  /** RFC 3339 with nanoseconds; year 0001 when it never ran. */
  readonly started_at: string;
  readonly exit_code: number;
  readonly restart_count: number;
  /** starting, healthy, unhealthy; null without a health check. */
  readonly health: string | null;
  /** Failed checks in a row. */
  readonly failing_streak: number;
  /** Failed checks after which the engine says unhealthy. */
  readonly health_retries: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** As docker ps prints it. A shorter prefix is never taken for an id: `db` would find `db3f...`. */
const ID_PREFIX = /^[0-9a-f]{12,64}$/;
/** Docker's own grammar of names. */
const NAME = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const CANDIDATES_SHOWN = 5;
/** Docker's default when a health check names no retries. */
const HEALTH_RETRIES = 3;
/** A container that comes up and dies at once was not started. */
const UPTIME_MS = 1_000;
/** One that the engine had to start again must stay up longer before it counts as well. */
const UPTIME_AFTER_RESTART_MS = 10_000;
const RESTART_LOOP = 3;

/**
 * The one container that `ref` means: a name, an id, an id's first 12 or more digits, or `label=value`.
 * @throws ActionError `not_found`, `ambiguous`, `invalid_params`, and what the engine says.
 */
export async function findContainer(
  docker: Docker,
  ref: string,
  signal: AbortSignal,
): Promise<string> {
  const found = ref.includes('=')
    ? await withLabel(docker, ref, signal)
    : await withNameOrId(docker, ref, signal);
  const [only] = found;
  if (only === undefined)
    throw fail('not_found', `no container ${JSON.stringify(ref)} on this Docker engine`);
  if (found.length === 1) return only.Id;
  const names = found.slice(0, CANDIDATES_SHOWN).map(shownName).join(', ');
  const more =
    found.length > CANDIDATES_SHOWN ? `, and ${found.length - CANDIDATES_SHOWN} more` : '';
  throw fail(
    'ambiguous',
    `${JSON.stringify(ref)} means ${found.length} containers: ${names}${more}; name one`,
  );
}

async function withLabel(
  docker: Docker,
  ref: string,
  signal: AbortSignal,
): Promise<Docker.ContainerInfo[]> {
  if (ref.startsWith('='))
    throw fail('invalid_params', `${JSON.stringify(ref)} has no label before "="`);
  const found = await list(docker, { all: true, filters: { label: [ref] }, abortSignal: signal });
  // What `docker compose run` left behind is never what an alert of the service is about.
  const lasting = found.filter((one) => one.Labels['com.docker.compose.oneoff'] !== 'True');
  return lasting.length > 0 ? lasting : found;
}

/** Everything is listed and compared here: the engine's own look-up takes the shortest prefix for an id. */
async function withNameOrId(
  docker: Docker,
  ref: string,
  signal: AbortSignal,
): Promise<Docker.ContainerInfo[]> {
  if (!NAME.test(ref))
    throw fail(
      'invalid_params',
      `${JSON.stringify(ref)} is no container's name, id or label=value`,
    );
  const listed = await list(docker, { all: true, abortSignal: signal });
  const name = ref.startsWith('/') ? ref : `/${ref}`;
  const named = listed.filter((one) => one.Names.includes(name));
  if (named.length > 0 || !ID_PREFIX.test(ref)) return named;
  return listed.filter((one) => one.Id.startsWith(ref));
}

async function list(
  docker: Docker,
  options: Docker.ContainerListOptions,
): Promise<Docker.ContainerInfo[]> {
  try {
    return await docker.listContainers(options);
  } catch (error) {
    throw classifyDocker(error);
  }
}

function shownName(info: Docker.ContainerInfo): string {
  return (info.Names[0] ?? info.Id.slice(0, 12)).replace(/^\//, '');
}

/** @throws ActionError; `not_found` when it is gone. */
export async function inspectContainer(
  docker: Docker,
  id: string,
  signal: AbortSignal,
): Promise<ContainerState> {
  try {
    return stateOf(await docker.getContainer(id).inspect({ abortSignal: signal }));
  } catch (error) {
    throw classifyDocker(error);
  }
}

function stateOf(info: Docker.ContainerInspectInfo): ContainerState {
  const { State: state } = info;
  const health = state.Health;
  const retries = info.Config.Healthcheck?.Retries ?? 0;
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    status: state.Status,
    running: state.Running,
    started_at: state.StartedAt,
    exit_code: state.ExitCode,
    restart_count: info.RestartCount,
    health: health === undefined || health.Status === 'none' ? null : health.Status,
    failing_streak: health?.FailingStreak ?? 0,
    health_retries: retries > 0 ? retries : HEALTH_RETRIES,
    labels: info.Config.Labels,
  };
}

/** Health after a start. `restarts_before`: the engine's count then; `at`: ms since the epoch. */
export function containerHealth(now: ContainerState, restarts_before: number, at: number): Health {
  const restarts = now.restart_count - restarts_before;
  if (restarts >= RESTART_LOOP) return 'failed';
  if (now.status === 'restarting') return 'pending';
  if (now.status !== 'running') return 'failed';
  if (now.health !== null) return healthCheckOf(now);
  const uptime_ms = at - Date.parse(now.started_at);
  return uptime_ms >= (restarts > 0 ? UPTIME_AFTER_RESTART_MS : UPTIME_MS) ? 'healthy' : 'pending';
}

/**
 * The engine says unhealthy after `retries` failures; a slow starter gets there too and recovers, so
 * it has failed only after twice as many.
 */
function healthCheckOf(now: ContainerState): Health {
  if (now.health === 'healthy') return 'healthy';
  const given_up = now.health === 'unhealthy' && now.failing_streak >= 2 * now.health_retries;
  return given_up ? 'failed' : 'pending';
}

function fail(code: 'not_found' | 'ambiguous' | 'invalid_params', message: string): ActionError {
  return new ActionError(code, message, { retryable: false });
}

/** @throws ActionError `conflict` in states in which somebody else is at work, or the engine cannot restart. */
export function refuseState(found: ContainerState): void {
  const fixes: Readonly<Record<string, string>> = {
    paused: `somebody paused it; to have it restarted: docker unpause ${found.name}`,
    removing: 'it is being removed',
    dead: 'its removal failed half-way; remove it and create it anew',
  };
  const fix = fixes[found.status];
  if (fix === undefined) return;
  throw new ActionError('conflict', `container ${found.name} is ${found.status}: ${fix}`, {
    retryable: false,
  });
}

/** Restarts it, killing what does not stop in time. @throws ActionError, what the engine says. */
export async function restartFound(
  docker: Docker,
  found: ContainerState,
  stop_seconds: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    await docker.getContainer(found.id).restart({ t: stop_seconds, abortSignal: signal });
  } catch (error) {
    throw classifyDocker(error);
  }
}
