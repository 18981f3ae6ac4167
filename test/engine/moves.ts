import type { Seen } from '../../src/core/alerts/seen.ts';
import { fingerprintOf } from '../../src/core/alerts/fingerprint.ts';
import type { Approval } from '../../src/core/healing/approval.ts';
import type { Remediation } from '../../src/core/healing/remediation.ts';
import type { Rig } from './rig.ts';

/** What tests of guards and operators say again and again. */

export const DOWN = { alertname: 'ThingDown', thing: 'a' };
/** Guards that are not in the way: evidence stays fresh, no rest between runs, no limit. */
export const EASY = "guard: { cooldown: 0s, max_age: 3h, limit: ['900/1h'] }\n";
export const ANN = { actor: 'ann', reason: 'we know' };

/** A rule that pokes the alert's thing, with these lines behind its steps. */
export function pokeRule(more = EASY, name = 'thing-down'): string {
  return `
name: ${name}
summary: Pokes a thing that is down.
matchers: ['alertname="ThingDown"', 'thing=~".+"']
steps:
  - action: poke
    with: { thing: '{{ labels.thing }}' }
    verify: { within: 1m, resolved: true }
${more}`;
}

/** A rule that raises thing a to the value for a while. */
export function raiseRule(more = EASY, to = 4, name = 'raise', alertname = 'Backlog'): string {
  return `
name: ${name}
summary: Raises a thing for a while.
matchers: ['alertname="${alertname}"']
steps:
  - action: set_thing
    with: { thing: a, to: ${to} }
    lease: 30m
    verify: { within: 5m, resolved: true }
${more}`;
}

/** Moves the clock in large steps: for what takes minutes and has nothing to do in between. */
export async function leap({ clock, settle }: Rig, ms: number, step_ms = 5_000): Promise<void> {
  for (const end = clock.now() + ms; clock.now() < end; ) {
    await clock.advance(Math.min(step_ms, end - clock.now()));
    await settle();
  }
}

/** The newest remediation. */
export async function newest({ store }: Rig): Promise<Remediation> {
  const [found] = (await store.listRemediations({ limit: 1 })).items;
  if (found === undefined) throw new Error('there is no remediation');
  return found;
}

/** The newest remediation's newest question. */
export async function question(rig: Rig): Promise<Approval> {
  const found = await rig.machine.approvals.of((await newest(rig)).id);
  if (found === undefined) throw new Error('nothing was asked');
  return found;
}

/** Ann answers the newest question, and what follows runs. */
export async function answer(
  rig: Rig,
  how: 'grant' | 'deny',
  over: Partial<Parameters<Rig['machine']['approvals']['grant']>[1]> = {},
): Promise<void> {
  const { remediation_id, plan_hash } = await question(rig);
  await rig.machine.approvals[how](remediation_id, {
    ...ANN,
    plan_hash,
    role: 'operator',
    ...over,
  });
  await rig.settle();
}

/** What Alertmanager's API shows of the alert from now on. */
export function show(
  { watch }: Rig,
  labels: Readonly<Record<string, string>>,
  seen: Partial<Seen>,
): void {
  watch.configured = true;
  watch.sights.set(fingerprintOf(labels), seen);
}
