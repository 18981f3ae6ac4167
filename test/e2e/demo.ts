import type Docker from 'dockerode';
import type { Container } from 'dockerode';
import { BUSYBOX } from '../real/busybox.ts';

/** The containers of the stories. Each carries this label, so that a test can remove them all. */
export const DEMO = 'stories';
const LABELS = { 'autoheal-test': DEMO };
const SECOND_NS = 1e9;

/** An API whose server can die while its container runs on: what an outside check calls hung. */
export async function startCrmApi(docker: Docker, port: number): Promise<Container> {
  const container = await docker.createContainer({
    Image: BUSYBOX,
    name: 'crm-api',
    Labels: { ...LABELS, autoheal: 'true' },
    Cmd: [
      'sh',
      '-c',
      'mkdir -p /www; echo "crm_api_up 1" >/www/metrics; httpd -p 80 -h /www; exec sleep 100000',
    ],
    Healthcheck: {
      Test: ['CMD-SHELL', 'timeout 2 wget -q -O- http://127.0.0.1/metrics'],
      Interval: SECOND_NS,
      Timeout: 3 * SECOND_NS,
      Retries: 2,
    },
    ExposedPorts: { '80/tcp': {} },
    HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: `${port}` }] } },
    StopTimeout: 1,
  });
  await container.start();
  return container;
}

/** Runs a command in a running container. */
export async function execIn(container: Container, ...command: readonly string[]): Promise<void> {
  const exec = await container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  stream.resume();
  await new Promise((resolve) => stream.on('end', resolve));
}

/** A queue of files behind busybox's httpd: /cgi-bin/add?N, /cgi-bin/take, /cgi-bin/metrics. */
const QUEUE = `
mkdir -p /q /www/cgi-bin
cat >/www/cgi-bin/add <<'X'
#!/bin/sh
for i in $(seq 1 $QUERY_STRING); do : >/q/$i; done
printf 'Content-Type: text/plain\\r\\n\\r\\nadded\\n'
X
cat >/www/cgi-bin/take <<'X'
#!/bin/sh
set -- /q/*; rm -f "$1"; printf 'Content-Type: text/plain\\r\\n\\r\\ntaken\\n'
X
cat >/www/cgi-bin/metrics <<'X'
#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'; echo "queue_depth{queue=\\"q_import\\"} $(ls /q | wc -l)"
X
chmod 755 /www/cgi-bin/*
exec httpd -f -p 80 -h /www
`;

export async function startQueue(docker: Docker, port: number, network: string): Promise<void> {
  const container = await docker.createContainer({
    Image: BUSYBOX,
    name: 'import-queue',
    Labels: LABELS,
    Cmd: ['sh', '-c', QUEUE],
    ExposedPorts: { '80/tcp': {} },
    HostConfig: {
      NetworkMode: network,
      PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: `${port}` }] },
    },
    StopTimeout: 1,
  });
  await container.start();
}

/**
 * Replicas of a worker as `docker compose up --scale` leaves them: created, with Compose's labels. The first
 * `running` of them run; the others wait to be started.
 */
export async function createWorkers(
  docker: Docker,
  count: number,
  running: number,
  network: string,
): Promise<void> {
  for (let number = 1; number <= count; number += 1) {
    const container = await docker.createContainer({
      Image: BUSYBOX,
      name: `shop-import-worker-${number}`,
      Labels: {
        ...LABELS,
        autoheal: 'true',
        'com.docker.compose.project': 'shop',
        'com.docker.compose.service': 'import-worker',
        'com.docker.compose.container-number': `${number}`,
        'com.docker.compose.oneoff': 'False',
      },
      Cmd: [
        'sh',
        '-c',
        'while :; do timeout 2 wget -q -O- http://import-queue/cgi-bin/take; sleep 0.1; done',
      ],
      HostConfig: { NetworkMode: network },
      StopTimeout: 1,
    });
    if (number <= running) await container.start();
  }
}

export async function runningWorkers(docker: Docker): Promise<number> {
  const filters = { label: ['com.docker.compose.service=import-worker'], status: ['running'] };
  return (await docker.listContainers({ filters })).length;
}
