import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { partProgram } from './parts.ts';
import { isAlive } from './ready.ts';

/** A network bridge for one private engine, so that it shares nothing with another engine's docker0. */
export interface Bridge {
  /** `ah`, the pid of the test process that made it, `x`, a count. */
  readonly name: string;
  /** The engine's networks are cut from here: `10.N.128.0/17`. */
  readonly pool: string;
  remove(): void;
}

let made = 0;

/** @throws when no 10.N.0.0/16 is free, or the kernel refuses the bridge (not root). */
export function makeBridge(): Bridge {
  removeOrphans();
  const name = `ah${process.pid}x${made++}`;
  const net = freeNet();
  ip('link', 'add', name, 'type', 'bridge');
  ip('addr', 'add', `10.${net}.0.1/24`, 'dev', name);
  ip('link', 'set', name, 'up');
  return { name, pool: `10.${net}.128.0/17`, remove: () => removeLink(name) };
}

/** Removes the bridges that the networks of an engine left behind; their names carry the network's id. */
export function removeNetworkBridges(network_ids: readonly string[]): void {
  for (const id of network_ids) {
    const name = `br-${id.slice(0, 12)}`;
    if (existsSync(`/sys/class/net/${name}`)) removeLink(name);
  }
}

/** A run that was killed could not remove its bridge: the next one does. */
function removeOrphans(): void {
  for (const name of readdirSync('/sys/class/net')) {
    const owner = /^ah(\d+)x\d+$/.exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) removeLink(name);
  }
}

/** The N of a 10.N.0.0/16 that no route of this machine touches. */
function freeNet(): number {
  const routes = readFileSync('/proc/net/route', 'utf8').trim().split('\n').slice(1);
  const taken = new Set(routes.flatMap(tenNets));
  const start = process.pid % 200;
  for (let step = 0; step < 200; step++) {
    const net = 20 + ((start + step) % 200);
    if (!taken.has(net)) return net;
  }
  throw new Error('no free 10.N.0.0/16 for the Docker engine of the tests');
}

/** Every N of 10.N.0.0/16 that one line of /proc/net/route (little-endian hex) reaches into. */
function tenNets(line: string): readonly number[] {
  const fields = line.split(/\s+/);
  const destination = Number.parseInt(fields[1] ?? '0', 16);
  const mask = Number.parseInt(fields[7] ?? '0', 16);
  if ((destination & 0xff) !== 10) return [];
  const first = (destination >> 8) & 0xff;
  const span = 255 - ((mask >> 8) & 0xff);
  return Array.from({ length: span + 1 }, (_, step) => first + step);
}

function removeLink(name: string): void {
  ip('link', 'del', name);
}

/** busybox has `ip`, so that iproute2 need not be installed. */
function ip(...args: readonly string[]): void {
  execFileSync(partProgram('busybox'), ['ip', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
}
