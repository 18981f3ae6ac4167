import Docker from 'dockerode';
import { inject } from 'vitest';

/** DOCKER_HOST of this run's private engine. @throws where there is none: skip by `haveParts` first. */
export function dockerHost(): string {
  const host = inject('docker_host');
  if (host === null) throw new Error('this run has no Docker engine');
  return host;
}

/** A client of this run's private engine. */
export function dockerClient(): Docker {
  return new Docker({ socketPath: new URL(dockerHost()).pathname });
}

/** Removes the containers that carry the label; a test gives its own label to all of its containers. */
export async function removeContainers(docker: Docker, label: string): Promise<void> {
  const filters = { label: [label] };
  for (const container of await docker.listContainers({ all: true, filters })) {
    await docker.getContainer(container.Id).remove({ force: true, v: true });
  }
}
