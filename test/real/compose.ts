import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../../scripts/run.ts';
import { partProgram } from './parts.ts';

export interface ComposeOptions {
  /** Folder of the docker-compose.yml. */
  readonly folder: string;
  /** Name of the project: containers, networks and volumes carry it. */
  readonly project: string;
  /** The variables that the file reads, and DOCKER_HOST. */
  readonly env: Readonly<Record<string, string>>;
  /** Of one command, build included. */
  readonly timeout_ms: number;
}

/** `docker compose` of version 2, or docker-compose 1.29, whichever this machine has. */
export interface Compose {
  /** Runs a command: `compose.run('up', '-d')`. @throws with its output when it fails. */
  run(...args: readonly string[]): Promise<string>;
}

export function compose(options: ComposeOptions): Compose {
  const program = partProgram('compose');
  return {
    async run(...args) {
      const ran = await run(program, ['--project-directory', options.folder, ...args], {
        show: false,
        timeout_ms: options.timeout_ms,
        env: environment(options),
      });
      if (ran.code === 0) return ran.output;
      throw new Error(`docker-compose ${args.join(' ')}: code ${ran.code}\n${ran.output}`);
    },
  };
}

/**
 * A build on the host's network leaves a mount in the engine's folder, also after the engine has ended: with it the
 * folder cannot be removed.
 */
export function releaseHostNetwork(docker_host: string): void {
  const mount = join(dirname(new URL(docker_host).pathname), 'exec/netns/default');
  if (!existsSync(mount)) return;
  execFileSync(partProgram('busybox'), ['umount', mount]);
}

/** The developer's own engine and settings must not leak in. */
function environment(options: ComposeOptions): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(AUTOHEAL_|DOCKER_|COMPOSE_|STACK_|BUILD_|NODE_OPTIONS|\w+_IMAGE$)/.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    COMPOSE_PROJECT_NAME: options.project,
    COMPOSE_FILE: `${options.folder}/docker-compose.yml`,
    // The classic builder: newer clients want a plug-in of their own for BuildKit.
    DOCKER_BUILDKIT: '0',
    COMPOSE_DOCKER_CLI_BUILD: '0',
    ...options.env,
  };
}
