import type Docker from 'dockerode';
import type { TargetGroup } from '../core/healing/remediation.ts';
import type { ContainerState } from './containers.ts';
import { classifyDocker } from './docker.ts';

/** More containers of one service than one engine runs; of those beyond it nothing is said. */
const SIBLINGS_MAX = 1_000;

/** `compose/<project>/<service>`; undefined for a container that Docker Compose did not make. */
export function composeServiceOf(labels: ContainerState['labels']): string | undefined {
  const project = labels['com.docker.compose.project'];
  const service = labels['com.docker.compose.service'];
  return project === undefined || service === undefined
    ? undefined
    : `compose/${project}/${service}`;
}

/**
 * The containers of the same Compose service, by one call. What `docker compose run` left behind is no
 * member; undefined where there is no service. @throws ActionError: what the engine says.
 */
export async function siblingsOf(
  docker: Docker,
  found: ContainerState,
  signal: AbortSignal,
): Promise<TargetGroup | undefined> {
  const id = composeServiceOf(found.labels);
  if (id === undefined) return undefined;
  const label = ['com.docker.compose.project', 'com.docker.compose.service'].map(
    (key) => `${key}=${found.labels[key]}`,
  );
  const others = (await list(docker, label, signal)).filter(
    (one) => one.Id !== found.id && one.Labels['com.docker.compose.oneoff'] !== 'True',
  );
  return {
    id,
    total: others.length + 1,
    healthy: others.filter(isHealthy).length,
    serves: found.status === 'running' && found.health !== 'unhealthy',
  };
}

async function list(
  docker: Docker,
  label: string[],
  signal: AbortSignal,
): Promise<readonly Docker.ContainerInfo[]> {
  const options = { all: true, limit: SIBLINGS_MAX, filters: { label }, abortSignal: signal };
  try {
    return await docker.listContainers(options);
  } catch (error) {
    throw classifyDocker(error);
  }
}

/** The list has the health in its text only: `Up 5 seconds (health: starting)`. */
function isHealthy({ State: state, Status: said }: Docker.ContainerInfo): boolean {
  return state === 'running' && !/\((?:unhealthy|health: starting)\)/.test(said);
}
