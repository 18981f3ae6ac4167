import { createProbes } from '../adapters/probes.ts';
import { messageOf } from '../adapters/net-errors.ts';
import { parseHostPort } from '../core/healing/probe-address.ts';
import { ASK_TIMEOUT_MS } from './ask.ts';
import { type Finding, notebook } from './finding.ts';
import type { Installation } from './installation.ts';
import type { Look } from './needs.ts';

/** Addresses that are looked at. */
const LOOKS_MAX = 20;

/** What rules verify by `http` and `tcp`, looked at from here: from where autoheal would look. */
export async function checkLooks({ needs }: Installation): Promise<readonly Finding[]> {
  const note = notebook('verify');
  const found = await Promise.all(needs.looks.slice(0, LOOKS_MAX).map(checkOne));
  if (needs.looks.length > LOOKS_MAX)
    note.skip(`${needs.looks.length - LOOKS_MAX} more addresses were not looked at`);
  return [...found.flat(), ...note.findings()];
}

async function checkOne({ rule, check }: Look): Promise<readonly Finding[]> {
  const note = notebook('verify');
  const shown = check.kind === 'http' ? check.url : check.address;
  try {
    const { holds, detail } = await look(check);
    if (holds) note.ok(`rule ${rule} verifies by ${shown}: ${detail}`);
    else
      note.warn(
        `rule ${rule} verifies by ${shown}, which does not hold now: ${detail}`,
        'nothing, while the service is ill; else correct the address, or the status that it takes',
      );
  } catch (error) {
    note.fail(
      `rule ${rule} verifies by ${shown}, which cannot be looked at from here: ${messageOf(error)}`,
      'correct the address in verify, or let this machine reach it',
    );
  }
  return note.findings();
}

async function look(check: Look['check']): Promise<{ holds: boolean; detail: string }> {
  const probes = createProbes();
  const signal = AbortSignal.timeout(ASK_TIMEOUT_MS);
  if (check.kind === 'http') {
    const expected = check.status === null ? {} : { expect_status: check.status };
    return await probes.http(check.url, { ...expected, signal });
  }
  const parsed = parseHostPort(check.address);
  if (!parsed.ok) throw new Error(parsed.message);
  return await probes.tcp(parsed.value.host, parsed.value.port, signal);
}
