import { expect } from 'vitest';
import type { AlertAnswer, Decision, PayloadAnswer, Would } from '../../src/engine/api.ts';
import { DOWN } from './moves.ts';
import type { Rig, SaidAlert } from './rig.ts';
import { everythingOf } from './untouched.ts';

/** Asking "what would be done?", and showing each time that nothing was. */

export function bodyOf(...alerts: readonly Partial<SaidAlert>[]): Uint8Array {
  const list = alerts.map(({ labels = DOWN, status = 'firing', startsAt }) => ({
    status,
    labels,
    annotations: {},
    ...(startsAt === undefined ? {} : { startsAt: new Date(startsAt).toISOString() }),
  }));
  return Buffer.from(JSON.stringify({ version: '4', status: 'firing', alerts: list }));
}

/** Asks, and shows that asking changed nothing. */
export async function ask(
  it: Rig,
  ...alerts: readonly Partial<SaidAlert>[]
): Promise<PayloadAnswer> {
  const before = await everythingOf(it);
  expect(Object.values(before.tables).flat().length).toBeGreaterThan(0);
  expect(before.metrics.length).toBeGreaterThan(20);
  const answer = await it.machine.what_if.payload(bodyOf(...alerts));
  expect(await everythingOf(it)).toEqual(before);
  return answer;
}
export async function askOne(it: Rig, alert: Partial<SaidAlert> = {}): Promise<AlertAnswer> {
  const { alerts } = await ask(it, alert);
  if (alerts[0] === undefined) throw new Error('no alert was looked at');
  return alerts[0];
}
/** What the only rule that is taken would do. */
export function wouldIn({ rules }: Pick<AlertAnswer, 'rules'>): Would {
  const taken = rules.flatMap(({ would }) => would ?? []);
  expect(taken).toHaveLength(1);
  return taken[0] as Would;
}
export async function decisionOf(it: Rig, alert: Partial<SaidAlert> = {}): Promise<Decision> {
  return wouldIn(await askOne(it, alert)).decision;
}
export function saidBy({ asked }: Would): readonly string[] {
  return (asked.guards?.values ?? []).map(({ guard, verdict }) => `${guard} ${verdict}`);
}
