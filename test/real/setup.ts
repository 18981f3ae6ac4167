import Docker from 'dockerode';
import type { TestProject } from 'vitest/node';
import { busyboxImage } from './busybox.ts';
import { startDocker } from './docker.ts';
import { haveParts } from './parts.ts';
import { removeOrphanFolders } from './ready.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** DOCKER_HOST of this run's engine, with `busybox:latest` in it; null where there can be none. */
    docker_host: string | null;
  }
}

/** One Docker engine a run, started only when a test of the real project was selected. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!haveParts('docker', 'busybox')) {
    project.provide('docker_host', null);
    return () => Promise.resolve();
  }
  removeOrphanFolders();
  const engine = await startDocker();
  await busyboxImage(new Docker({ socketPath: new URL(engine.host).pathname }));
  project.provide('docker_host', engine.host);
  return () => engine.stop();
}
