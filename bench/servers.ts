import { join } from 'node:path';
import { type Server, startServer } from './processes.ts';

const HERE = import.meta.dirname;

/** Every alert gets the no-op; nothing stands in the way of the next one. */
const RULE = `
name: bench
summary: The no-op for every alert of the bench.
matchers: ['alertname="BenchAlert"', 'thing=~".+"']
steps:
  - action: noop
    with: { thing: '{{ labels.thing }}' }
    verify: { within: 10m, resolved: true }
guard: { cooldown: 0s }
`;
/** A rule that does not compile: the service stores and does not drain, so that intake is measured alone. */
const BROKEN = 'name: bench\n';

function environment(): Readonly<Record<string, string>> {
  return {
    AUTOHEAL_PORT: 'PORT',
    AUTOHEAL_DATABASE_URL: 'sqlite:FOLDER/autoheal.db',
    AUTOHEAL_RULES: 'FOLDER',
    AUTOHEAL_LOG_LEVEL: 'error',
    AUTOHEAL_DOCKER_HOST: 'unix:///nonexistent',
  };
}

/** The service; `drains` false: it only stores. `flags` are node's. */
export function startAutoheal(drains: boolean, flags: readonly string[] = []): Promise<Server> {
  return startServer({
    command: [process.execPath, ...flags, join(HERE, 'servers/autoheal.ts')],
    // That the rule is refused is meant, and no news.
    env: { ...environment(), ...(!drains && { AUTOHEAL_LOG_LEVEL: 'fatal' }) },
    files: { 'bench.yaml': drains ? RULE : BROKEN },
    ready_path: '/health/liveness',
  });
}

/** The service as it ships, idle, with its own rules. */
export function startShipped(flags: readonly string[] = []): Promise<Server> {
  const { AUTOHEAL_RULES: _, ...env } = environment();
  return startServer({
    command: [process.execPath, ...flags, join(HERE, '../bin/autoheal.js'), 'serve'],
    env,
    ready_path: '/-/ready',
  });
}

/** Its libraries alone. */
export function startLibraries(): Promise<Server> {
  return startServer({
    command: [process.execPath, join(HERE, 'servers/libraries.js'), 'PORT', 'FOLDER/libraries.db'],
    ready_path: '/-/ready',
  });
}

export function startBare(): Promise<Server> {
  return startServer({
    command: [process.execPath, join(HERE, 'servers/bare-fastify.ts'), 'PORT'],
    ready_path: '/-/ready',
  });
}

/** adnanh/webhook as Debian ships it, with a command that notes when it began. */
export function startWebhook(program: string): Promise<Server> {
  const hook = {
    id: 'webhook',
    'execute-command': 'FOLDER/noop.sh',
    'pass-arguments-to-command': [{ source: 'payload', name: 'alerts.0.annotations.sent_ms' }],
    'success-http-response-code': 202,
  };
  return startServer({
    command: [
      program,
      '-hooks',
      'hooks.json',
      '-ip',
      '127.0.0.1',
      '-port',
      'PORT',
      '-urlprefix',
      '',
    ],
    files: {
      'hooks.json': JSON.stringify([hook]),
      'noop.sh': '#!/bin/bash\necho "$1 $EPOCHREALTIME" >>started\n',
    },
  });
}
