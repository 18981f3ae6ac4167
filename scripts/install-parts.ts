import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { findPart, PARTS, type Part } from '../test/real/parts.ts';
import { run } from './run.ts';

/** A part that the tests must do without, and why. */
export interface Missing {
  readonly name: string;
  readonly why: string;
}

const APT_TIMEOUT_MS = 300_000;
const POLICY = '/usr/sbin/policy-rc.d';

/** Finds the real parts; as root on Debian or Ubuntu it installs those that are not there. */
export async function provideParts(log: (line: string) => void): Promise<readonly Missing[]> {
  const absent = PARTS.filter((part) => findPart(part.name).program === undefined);
  if (absent.length === 0) return [];
  const cannot = whyNoInstall();
  const failure = cannot ?? (await install(absent, log));
  return absent.flatMap((part) => {
    const found = findPart(part.name);
    if (found.program !== undefined) return [];
    return [
      { name: part.name, why: failure === undefined ? found.why : `${found.why}; ${failure}` },
    ];
  });
}

function whyNoInstall(): string | undefined {
  if (!isDebian()) return 'parts are installed only on Debian or Ubuntu';
  if (process.getuid?.() !== 0) return 'parts are installed only by root';
  return undefined;
}

function isDebian(): boolean {
  if (!existsSync('/etc/os-release')) return false;
  return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'));
}

/** @returns what went wrong, if anything did. */
async function install(
  parts: readonly Part[],
  log: (line: string) => void,
): Promise<string | undefined> {
  const packages = parts.flatMap((part) => part.packages);
  log(`installing Debian packages: ${packages.join(' ')}`);
  const undo = forbidServices();
  try {
    const update = await apt(['update', '-q']);
    if (update !== undefined) return update;
    return await apt(['install', '-q', '-y', '--no-install-recommends', ...packages]);
  } finally {
    undo();
  }
}

async function apt(args: readonly string[]): Promise<string | undefined> {
  const locks = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
  const ran = await run('apt-get', [...locks, ...args], {
    show: false,
    timeout_ms: APT_TIMEOUT_MS,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (ran.code === 0) return undefined;
  const lines = ran.output.trim().split('\n');
  const errors = lines.filter((line) => line.startsWith('E:'));
  return `apt-get ${args[0]} failed: ${(errors.length > 0 ? errors : lines.slice(-3)).join(' ')}`;
}

/** A package must not start its service: the tests start their own. Returns what restores the machine. */
function forbidServices(): () => void {
  if (existsSync(POLICY)) return () => undefined;
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return () => rmSync(POLICY, { force: true });
}
