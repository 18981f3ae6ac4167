import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onPath, partProgram, POSTGRES_USER } from './parts.ts';
import { startProcess, type Running } from './process.ts';
import { inTemporaryFolder, onFreePort, untilServing } from './ready.ts';

/** A real PostgreSQL on a port of 127.0.0.1, empty; everybody on this machine is let in. */
export interface RealPostgres {
  /** The address of a database for a user: `url('postgres', 'admin')`. */
  url(database: string, user: string): string;
  stop(): Promise<void>;
}

/** The superuser, besides whom there is nobody yet. */
export const SUPERUSER = 'admin';

/** @throws with its last output when it does not come up. */
export function startPostgres(): Promise<RealPostgres> {
  return inTemporaryFolder('postgres', startIn);
}

async function startIn(folder: string): Promise<RealPostgres> {
  const data = join(folder, 'data');
  const [program = '', ...prefix] = asUser();
  giveAway(folder);
  const initdb = join(dirname(partProgram('postgres')), 'initdb');
  const init = [
    '-D',
    data,
    '-U',
    SUPERUSER,
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--no-sync',
    '--locale=C',
  ];
  run(program, [...prefix, initdb, ...init], folder);
  const { running, port } = await onFreePort((free) => start(folder, free));
  return {
    url: (database, user) => `postgres://${user}@127.0.0.1:${port}/${database}`,
    async stop() {
      // SIGINT is its fast shutdown: it does not wait for clients.
      running.signal('SIGINT');
      await running.ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function start(folder: string, port: number): Promise<{ running: Running; port: number }> {
  const data = join(folder, 'data');
  const [program = '', ...prefix] = asUser();
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'fsync=off',
  ].flatMap((setting) => ['-c', setting]);
  const running = await startProcess({
    name: 'postgres',
    program,
    args: [...prefix, partProgram('postgres'), '-D', data, ...settings],
    log_file: join(folder, 'log'),
    cwd: folder,
  });
  // Its own word for serving stands in the last line of this file.
  const pid_file = join(data, 'postmaster.pid');
  await untilServing(
    running,
    () => existsSync(pid_file) && /^ready\s*$/m.test(readFileSync(pid_file, 'utf8')),
  );
  return { running, port };
}

/** PostgreSQL refuses to run as root; the package's own user is there for it. */
function asUser(): readonly string[] {
  if (process.getuid?.() !== 0) return ['/usr/bin/env'];
  const setpriv = onPath('setpriv') ?? 'setpriv';
  const user = [`--reuid=${POSTGRES_USER}`, `--regid=${POSTGRES_USER}`, '--clear-groups'];
  return [setpriv, ...user, '--pdeathsig=KILL', '--'];
}

function giveAway(folder: string): void {
  chmodSync(folder, 0o700);
  if (process.getuid?.() !== 0) return;
  const id = (kind: string) =>
    Number(execFileSync('id', [kind, POSTGRES_USER], { encoding: 'utf8' }));
  chownSync(folder, id('-u'), id('-g'));
}

function run(program: string, args: readonly string[], cwd: string): void {
  execFileSync(program, [...args], { cwd, stdio: 'pipe' });
}
