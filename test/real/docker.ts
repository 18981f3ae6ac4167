import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import { makeBridge, removeNetworkBridges, type Bridge } from './bridge.ts';
import { partProgram } from './parts.ts';
import { startProcess, type Running } from './process.ts';
import { inTemporaryFolder, untilServing } from './ready.ts';

/** A private Docker engine. It shares no folder, no bridge and no firewall rule with another one. */
export interface Engine {
  /** `unix:///...`, for DOCKER_HOST. */
  readonly host: string;
  readonly running: Running;
  /** Removes all its containers and networks, ends it and removes its data. */
  stop(): Promise<void>;
}

/**
 * Starts dockerd (about 1 s here). `--iptables=false` leaves the machine's firewall alone: published
 * ports on 127.0.0.1 work through docker-proxy, containers of one network reach each other, none
 * reaches the outside. @throws with its last output when it does not come up.
 */
export function startDocker(): Promise<Engine> {
  return inTemporaryFolder('docker', startIn);
}

async function startIn(folder: string): Promise<Engine> {
  const bridge = makeBridge();
  try {
    const socket = join(folder, 'docker.sock');
    const running = await startProcess({
      name: 'dockerd',
      program: partProgram('docker'),
      args: engineArguments(folder, socket, bridge),
      log_file: join(folder, 'log'),
      // By SIGTERM it takes its containers with it; SIGKILL would leave them.
      at_exit: 'SIGTERM',
    });
    const docker = new Docker({ socketPath: socket });
    await untilServing(running, async () => Boolean(await docker.ping()));
    return {
      host: `unix://${socket}`,
      running,
      stop: () => stopEngine(docker, running, bridge, folder),
    };
  } catch (error) {
    bridge.remove();
    throw error;
  }
}

function engineArguments(folder: string, socket: string, bridge: Bridge): readonly string[] {
  return [
    '--data-root',
    join(folder, 'data'),
    '--exec-root',
    join(folder, 'exec'),
    '--host',
    `unix://${socket}`,
    '--pidfile',
    join(folder, 'pid'),
    '--bridge',
    bridge.name,
    '--default-address-pool',
    `base=${bridge.pool},size=24`,
    '--iptables=false',
    '--ip-forward=false',
    '--shutdown-timeout',
    '3',
  ];
}

async function stopEngine(
  docker: Docker,
  running: Running,
  bridge: Bridge,
  folder: string,
): Promise<void> {
  const networks = await emptyEngine(docker);
  await running.stop(20_000);
  removeNetworkBridges(networks);
  bridge.remove();
  rmSync(folder, { recursive: true, force: true });
}

/** Removes containers and networks; returns the networks' ids. */
async function emptyEngine(docker: Docker): Promise<readonly string[]> {
  for (const container of await docker.listContainers({ all: true })) {
    await docker.getContainer(container.Id).remove({ force: true });
  }
  const networks = (await docker.listNetworks()).filter(
    (network) => !['bridge', 'host', 'none'].includes(network.Name),
  );
  for (const network of networks) await docker.getNetwork(network.Id).remove();
  return networks.map((network) => network.Id);
}
