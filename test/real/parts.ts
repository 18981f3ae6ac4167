import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** A real program that the tests of the `real` project run. */
export interface Part {
  readonly name: PartName;
  /** Names of its program, the first found is taken. */
  readonly programs: readonly string[];
  /** Where it may be besides PATH. */
  readonly folders?: readonly string[];
  /** Debian packages that bring it. */
  readonly packages: readonly string[];
  /** Why the program found cannot be used here; undefined when it can. */
  readonly refusal?: (program: string) => string | undefined;
}
export type PartName =
  | 'docker'
  | 'busybox'
  | 'prometheus'
  | 'alertmanager'
  | 'blackbox'
  | 'haproxy'
  | 'compose'
  | 'postgres';

/** The package's user: PostgreSQL refuses to run as root. */
export const POSTGRES_USER = 'postgres';

export const PARTS: readonly Part[] = [
  {
    name: 'docker',
    programs: ['dockerd'],
    packages: ['docker.io', 'iptables'],
    refusal: () => (process.getuid?.() === 0 ? undefined : 'a private Docker engine needs root'),
  },
  {
    name: 'busybox',
    programs: ['busybox'],
    packages: ['busybox-static'],
    refusal: (program) => (isStatic(program) ? undefined : `${program} is not statically linked`),
  },
  { name: 'prometheus', programs: ['prometheus'], packages: ['prometheus'] },
  {
    name: 'alertmanager',
    programs: ['prometheus-alertmanager', 'alertmanager'],
    packages: ['prometheus-alertmanager'],
  },
  {
    name: 'blackbox',
    programs: ['prometheus-blackbox-exporter', 'blackbox_exporter'],
    packages: ['prometheus-blackbox-exporter'],
  },
  { name: 'haproxy', programs: ['haproxy'], packages: ['haproxy'] },
  {
    // Version 2 is a plug-in of the docker command that also runs alone; version 1.29 does too.
    name: 'compose',
    programs: ['docker-compose'],
    folders: [
      join(homedir(), '.docker/cli-plugins'),
      '/usr/local/lib/docker/cli-plugins',
      '/usr/libexec/docker/cli-plugins',
      '/usr/lib/docker/cli-plugins',
    ],
    packages: ['docker-compose'],
  },
  {
    name: 'postgres',
    programs: ['postgres'],
    // Looked for anew each time: the packages may be installed meanwhile.
    get folders() {
      return postgresFolders();
    },
    packages: ['postgresql'],
    refusal: (program) => postgresRefusal(program),
  },
];

export type Found =
  | { readonly name: PartName; readonly program: string }
  | { readonly name: PartName; readonly program: undefined; readonly why: string };

/** `AUTOHEAL_TEST_DOCKER` and so on: the program to use, instead of what PATH has. */
export function partVariable(name: PartName): string {
  return `AUTOHEAL_TEST_${name.toUpperCase()}`;
}

/** The part's program on this machine, or why there is none. */
export function findPart(name: PartName): Found {
  const part = PARTS.find((candidate) => candidate.name === name);
  if (part === undefined) throw new Error(`no such part: ${name}`);
  const named = process.env[partVariable(name)];
  const program = named ?? programOf(part);
  if (program === undefined) {
    return { name, program, why: `no ${part.programs.join(' or ')} on PATH` };
  }
  const why = part.refusal?.(program);
  return why === undefined ? { name, program } : { name, program: undefined, why };
}

function programOf(part: Part): string | undefined {
  const extra = (part.folders ?? []).flatMap((folder) =>
    part.programs.map((command) => join(folder, command)),
  );
  return extra.find(isExecutable) ?? part.programs.map(onPath).find((path) => path !== undefined);
}

/** True when every part named can be used; for `describe.skipIf(!haveParts(...))`. */
export function haveParts(...names: readonly PartName[]): boolean {
  return names.every((name) => findPart(name).program !== undefined);
}

/** The part's program. @throws when it is missing, with the reason. */
export function partProgram(name: PartName): string {
  const found = findPart(name);
  if (found.program === undefined) throw new Error(`${name} is missing: ${found.why}`);
  return found.program;
}

/** Where `command` is; the system folders are looked at too, since a user's PATH often lacks them. */
export function onPath(command: string): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(':'),
    '/usr/sbin',
    '/sbin',
    '/usr/bin',
    '/bin',
  ];
  return folders.map((folder) => join(folder, command)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A dynamic ELF program names its loader near its head; such a busybox could not run in an empty image. */
function isStatic(program: string): boolean {
  const head = Buffer.alloc(4096);
  const file = openSync(program, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  return !/\/ld-(linux|musl)/.test(head.toString('latin1'));
}

/** Debian keeps each version in a folder of its own; the newest first. */
function postgresFolders(): readonly string[] {
  const base = '/usr/lib/postgresql';
  if (!existsSync(base)) return [];
  const versions = readdirSync(base).toSorted((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(base, version, 'bin'));
}

function postgresRefusal(program: string): string | undefined {
  if (!isExecutable(join(dirname(program), 'initdb'))) return `no initdb beside ${program}`;
  if (process.getuid?.() !== 0) return undefined;
  if (onPath('setpriv') === undefined) return 'root needs setpriv to run it as another user';
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  const known = users.some((line) => line.startsWith(`${POSTGRES_USER}:`));
  return known ? undefined : `root needs the user ${POSTGRES_USER} to run it`;
}
