import { expect, test } from 'vitest';
import type { EarlyFacts, PlanFacts } from '../../../src/core/healing/guard-facts.ts';
import {
  EARLY_GUARDS,
  guardValues,
  PLAN_GUARDS,
  runGuards,
} from '../../../src/core/healing/guards.ts';
import { approval, FACTS_NOW, factsOn, hold, planFacts, target } from '../../fakes/values.ts';

const NOW = FACTS_NOW;

function early(over: Partial<PlanFacts>) {
  return runGuards<EarlyFacts>(EARLY_GUARDS, planFacts(over));
}
function planned(over: Partial<PlanFacts>) {
  return runGuards(PLAN_GUARDS, planFacts(over));
}
const seen = { silenced_by: [], inhibited_by: [], muted_by: [], witnessed: true, as_of: NOW };

test.each<[string, Partial<PlanFacts>, object]>([
  [
    'a hold on the rule',
    { holds: [hold({ rule: 'thing-down' })] },
    { kind: 'wait', reason: 'held' },
  ],
  [
    'a hold with an end says when to look again',
    { holds: [hold({ alertname: 'ThingDown', until: NOW + 7 })] },
    { kind: 'wait', reason: 'held', retry_at: NOW + 7, detail: expect.stringContaining('ann') },
  ],
  [
    'an acknowledgement by a person',
    { holds: [hold({ kind: 'ack', episode: 'episode-1' })] },
    { kind: 'wait', reason: 'held' },
  ],
  ['a hold on another rule', { holds: [hold({ rule: 'other' })] }, { kind: 'allow' }],
  [
    'all selectors have to fit',
    { holds: [hold({ rule: 'thing-down', alertname: 'Other' })] },
    { kind: 'allow' },
  ],
  ['a hold on the target, by its id', { holds: [hold({ target: 'thing/a' })] }, { reason: 'held' }],
  [
    'silenced by others',
    { seen: { ...seen, state: 'suppressed', silenced_by: ['s1'] } },
    { kind: 'wait', reason: 'silenced', detail: expect.stringContaining('s1') },
  ],
  [
    'inhibited',
    { seen: { ...seen, state: 'suppressed', inhibited_by: ['beef'] } },
    { kind: 'wait', reason: 'silenced', detail: expect.stringContaining('beef') },
  ],
  [
    'not shown by the API: waits for a word, ends nothing',
    { seen: { ...seen, state: 'absent' } },
    { kind: 'wait', reason: 'resolved' },
  ],
  [
    'never shown by an Alertmanager that runs: its absence means nothing',
    { seen: { ...seen, state: 'absent', witnessed: false } },
    { kind: 'allow' },
  ],
  ['active in the API', { seen: { ...seen, state: 'active' } }, { kind: 'allow' }],
  [
    'blind',
    { blind: ['Prometheus does not answer'] },
    { kind: 'wait', reason: 'blind', detail: 'Prometheus does not answer' },
  ],
  [
    'nobody can say whether it fires',
    { seen: { ...seen, state: 'unknown' } },
    { kind: 'wait', reason: 'blind' },
  ],
  [
    'a precondition that does not hold',
    { preconditions: [{ expr: 'up > 0', state: 'fails', detail: 'no sample' }] },
    { kind: 'wait', reason: 'precondition', detail: 'up > 0 does not hold: no sample' },
  ],
  [
    'a precondition that cannot be read',
    { preconditions: [{ expr: 'up > 0', state: 'unreadable', detail: 'away' }] },
    { kind: 'wait', reason: 'precondition', detail: 'up > 0 cannot be read: away' },
  ],
  [
    'within a time interval',
    { windows: [{ name: 'freeze', inside: true, until: NOW + 60_000 }] },
    { kind: 'wait', reason: 'not_during', retry_at: NOW + 60_000 },
  ],
])('before the plan: %s', (_name, over, expected) => {
  expect(early(over)).toMatchObject(expected);
});

test('a hold on a parent holds its children', () => {
  const child = target('docker/1', { parents: ['compose/shop/crm-api'] });
  const facts = factsOn([child], { holds: [hold({ target: 'compose/shop/crm-api' })] });
  expect(runGuards<EarlyFacts>(EARLY_GUARDS, facts)).toMatchObject({ reason: 'held' });
});

test('a quarantine of the rule on the target refuses, and is not told from a hold by waiting', () => {
  const quarantine = hold({ kind: 'quarantine', rule: 'thing-down', target: 'thing/a' });
  expect(early({ holds: [quarantine] })).toEqual({ kind: 'allow' });
  expect(planned({ holds: [quarantine] })).toMatchObject({
    kind: 'refuse',
    reason: 'quarantined',
    tell: true,
  });
  expect(planned({ holds: [{ ...quarantine, target: 'thing/b' }] })).toEqual({ kind: 'allow' });
});

test.each<[string, Partial<PlanFacts>, object]>([
  ['nobody was asked yet', {}, { kind: 'ask', reason: 'approval' }],
  [
    'asked, no answer',
    { approval: approval({ expires_at: NOW + 5 }) },
    { kind: 'wait', reason: 'approval', retry_at: NOW + 5 },
  ],
  [
    'the time for an answer is over: a human is told',
    { approval: approval({ expires_at: NOW }) },
    { kind: 'refuse', reason: 'approval', tell: true },
  ],
  ['granted', { approval: approval({ state: 'granted' }) }, { kind: 'allow' }],
  [
    'granted, and its time is over meanwhile: it was granted in time',
    { approval: approval({ state: 'granted', expires_at: NOW - 1 }) },
    { kind: 'allow' },
  ],
  [
    'one grant starts one run: used up, it asks again',
    { approval: approval({ state: 'used' }) },
    { kind: 'ask' },
  ],
  [
    'denied',
    { approval: approval({ state: 'denied', answered_by: 'ann', reason: 'not now' }) },
    { kind: 'refuse', reason: 'approval', detail: 'ann denied it: not now' },
  ],
])('mode approve: %s', (_name, over, expected) => {
  expect(planned({ rule_mode: 'approve', ...over })).toMatchObject(expected);
  expect(planned({ mode: 'approve', ...over })).toMatchObject(expected);
});

test('nobody is asked for what would not be done: dry-run wins over approve', () => {
  expect(planned({ mode: 'dry-run', rule_mode: 'approve' })).toMatchObject({ reason: 'dry_run' });
  expect(planned({ mode: 'approve', rule_mode: 'dry-run' })).toMatchObject({ reason: 'dry_run' });
});

test('a spent budget reports, and asks only where the policy says so', () => {
  const spent = { spent: true, detail: 'burns' };
  expect(planned({ budget: { ...spent, enforce: false } })).toEqual({ kind: 'allow' });
  expect(planned({ budget: { ...spent, enforce: true } })).toMatchObject({
    kind: 'ask',
    reason: 'budget',
  });
  const granted = approval({ state: 'granted' });
  expect(planned({ budget: { ...spent, enforce: true }, approval: granted })).toEqual({
    kind: 'allow',
  });
});

test('what is kept for "why not?": every guard that has something to say, the later ones too', () => {
  const facts = planFacts({
    mode: 'paused',
    blind: ['away'],
    common_cause: { targets: 2, within_ms: 1_000, enforce: false, seen: 9 },
    lock_holder: 'other',
  });
  const values = [...guardValues(EARLY_GUARDS, facts), ...guardValues(PLAN_GUARDS, facts)];
  expect(values.map(({ guard, verdict }) => `${guard} ${verdict}`)).toEqual([
    'paused wait',
    'blind wait',
    'busy wait',
    'common_cause allow',
  ]);
});
