import { describe, expect, test } from 'vitest';
import { reportText } from '../../src/cli/author/backtest-text.ts';
import { compare } from '../../src/rehearsal/backtest/compare.ts';
import {
  delivered,
  filterFor,
  HOUR,
  MINUTE,
  morning,
  PARTS,
  played,
  restarts,
  ruleText,
  START,
  storm,
} from './recorded.ts';

const PATIENT = [restarts('CrmDown', "{ cooldown: 1h, limit: ['20/1h'] }")];
const HASTY = [restarts('CrmDown', "{ cooldown: 1m, limit: ['20/1h'] }")];
const STORM = [
  restarts('CrmDown', "{ cooldown: 10m, limit: ['3/1h', '9/1d'] }"),
  restarts('CrmSlow', "{ cooldown: 2m, limit: ['2/1h'], max_age: 10m }"),
];

describe('the difference', () => {
  test('a shorter cooldown acts more often, and the first sentence says so', async () => {
    const record = morning(14);
    const found = compare(await played(record, HASTY), await played(record, PATIENT), 10);
    expect(found.sentences[0]).toBe(
      'This edit would have restarted crm-api 14 times instead of 3.',
    );
    expect([found.same, found.more_actions]).toEqual([false, true]);
    expect(found.actions[0]).toMatchObject({
      action: 'restart_container',
      target: 'docker/crm-api',
      starts: { candidate: 14, against: 3 },
      first: [START, START + 10 * MINUTE, START + 20 * MINUTE],
    });
    expect(found.episodes.changed).toBe(11);
    expect(found.episodes.shown).toHaveLength(10);
    expect(found.episodes.shown[0]).toMatchObject({
      alertname: 'CrmDown',
      opened_at: START + 10 * MINUTE,
      candidate: ['restart_container docker/crm-api', 'CrmDown: healed'],
      against: ['CrmDown: refused (resolved)'],
    });
    const back = compare(await played(record, PATIENT), await played(record, HASTY), 10);
    expect(back.more_actions).toBe(false);
  });

  test('equal sets have none', async () => {
    const record = morning(5);
    const found = compare(await played(record, HASTY), await played(record, HASTY), 10);
    expect(found).toMatchObject({ same: true, more_actions: false, sentences: [] });
    expect(found.episodes.changed).toBe(0);
    expect(found.totals.actions).toEqual({ candidate: 5, against: 5 });
  });

  test('the report for people', async () => {
    const record = morning(3);
    const filter = await filterFor(HASTY, PATIENT);
    const mine = await played(record, HASTY, { filter });
    const text = reportText({
      source: 'month.ndjson',
      times: { first: START, last: START + 24 * MINUTE },
      counts: { ...filter.counts },
      candidate: 'new',
      against: 'rules',
      comparison: compare(mine, await played(record, PATIENT), 1),
      seconds: 1,
    });
    expect(text.slice(0, text.indexOf('Assumed:'))).toBe(`\
Record:    month.ndjson, 2026-03-01T00:00:00Z to 2026-03-01T00:24:00Z
           9 deliveries, 15 alerts, 6 of them for a rule
Candidate: new
Against:   rules

This edit would have restarted crm-api 3 times instead of once.
This edit would have healed 3 times instead of once.
This edit would not have refused to act at all, instead of 2 times.

Actions by target, in brackets what the others did where it differs:
TARGET          ACTION             BEGUN  FAILED  PREVIEWED  FIRST
docker/crm-api  restart_container  3 (1)  0       0          2026-03-01T00:00:00Z, 2026-03-01T00:10:00Z, 2026-03-01T00:20:00Z

Rules, in brackets what the others did where it differs:
RULE     RUNS  HEALED  ESCALATED  REFUSED  DRY RUN  APPROVALS
CrmDown  3     3 (1)   0          0 (2)    0        0

Guards, in brackets what the others did where it differs:
GUARD     WAITED  REFUSED
cooldown  0 (2)   0
resolved  0       0 (2)

Firings that went another way (2):
  2026-03-01T00:10:00Z CrmDown 5247ffde90ecff54
    candidate: restart_container docker/crm-api, CrmDown: healed
    against:   CrmDown: refused (resolved)
  and 1 more: --limit

`);
    expect(text).toContain('A symptom is gone if and only if its alert resolved in the record');
  });

  test('rules that only one set has are compared with nothing', async () => {
    const record = morning(2);
    const found = compare(await played(record, HASTY), await played(record, []), 10);
    expect(found.sentences[0]).toBe(
      'This edit would have restarted crm-api 2 times instead of never.',
    );
    expect(found.rules.map(({ rule, runs }) => [rule, runs])).toEqual([
      ['CrmDown', { candidate: 2, against: 0 }],
    ]);
  });
});

describe('what is left out for speed decides nothing', () => {
  test('alerts that no rule matches', async () => {
    const record = [...morning(20), ...storm(6).map((one) => ({ ...one, at: one.at + 4 * HOUR }))];
    const filter = await filterFor(STORM, HASTY);
    const some = await played(record, STORM, { filter });
    expect(filter.counts.mapped).toBeLessThan(filter.counts.alerts);
    expect(some).toEqual(await played(record, STORM));
    expect(some.actions.size).toBeGreaterThan(0);
  });

  test('looks of those who wait for a lock', async () => {
    const record = storm(5);
    const rested = await played(record, STORM);
    expect(rested).toEqual(await played(record, STORM, { rest: false }));
    const waits = [...rested.rules.values()].map((rule) => rule.waits['busy'] ?? 0);
    expect(Math.max(...waits)).toBeGreaterThan(15);
  });

  test('rows that were removed on the way', async () => {
    const record = storm(5);
    const kept = await played(record, STORM, { retain_every_ms: 0 });
    expect(await played(record, STORM, { retain_every_ms: 30 * MINUTE })).toEqual(kept);
    // It needs the windows: limits refuse, and they reach back over the removals.
    const rule = kept.rules.get('CrmDown');
    expect(rule?.waits['limit'] ?? 0).toBeGreaterThan(0);
  });
});

describe('the filter', () => {
  test('keeps what it does not know for sure', async () => {
    const filter = await filterFor(HASTY);
    const strange = delivered(0, { name: 'Noise', pod: 'a', from: 0 });
    const body = JSON.parse(Buffer.from(strange.body).toString());
    body.alerts[0].fingerprint = '00000000000000aa';
    expect(filter.sift(strange)).toBeUndefined();
    expect(filter.sift({ ...strange, body: Buffer.from(JSON.stringify(body)) })).toBeDefined();
    expect(filter.sift({ ...strange, body: Buffer.from('{}') })).toBeUndefined();
    expect(filter.counts).toEqual({ deliveries: 3, alerts: 2, mapped: 1, unusable: 1 });
  });

  test('leaves the rest of a body as it was', async () => {
    const filter = await filterFor(HASTY);
    const [mixed] = morning(1);
    if (mixed === undefined) throw new Error('no delivery');
    const body = JSON.parse(Buffer.from(filter.sift(mixed)?.body ?? []).toString());
    expect(body).toMatchObject({ version: '4', receiver: 'autoheal' });
    expect(body.alerts.map((one: { labels: object }) => one.labels)).toEqual([
      { alertname: 'CrmDown', container: 'crm-api' },
    ]);
  });
});

describe('the record is the evidence', () => {
  const guard = "{ cooldown: 1m, limit: ['20/1h'] }";
  const crm = { name: 'CrmDown', container: 'crm-api', from: 0 };
  const healed = [delivered(0, crm), delivered(2 * MINUTE, { ...crm, status: 'resolved' })];
  const never = [delivered(0, crm), delivered(30 * MINUTE, { ...crm, name: 'Other' })];

  test.each([
    ['promql', '{ within: 5m, promql: \'up{c="{{ labels.container }}"} == 1\' }'],
    ['http', '{ within: 5m, http: { url: "http://crm:80/{{ labels.container }}" } }'],
    ['tcp', '{ within: 5m, tcp: "{{ labels.container }}:80" }'],
    ['health', '{ within: 5m, health: true }'],
    ['resolved', '{ within: 5m, resolved: true }'],
  ])('for %s: it holds once the alert resolved', async (_kind, verify) => {
    const rules = [restarts('CrmDown', guard, verify)];
    const late = delivered(10 * MINUTE, { ...crm, name: 'Other' });
    const good = await played([...healed, late], rules);
    expect(good.rules.get('CrmDown')?.outcomes).toMatchObject({ healed: 1, escalated: 0 });
    const bad = await played(never, rules);
    expect(bad.rules.get('CrmDown')?.outcomes).toMatchObject({ healed: 0, escalated: 1 });
  });

  test('unless the world says otherwise', async () => {
    const rules = [restarts('CrmDown', guard, "{ within: 5m, promql: 'up == 1' }")];
    const tally = await played(never, rules, { world: { promql: { 'up == 1': true } } });
    expect(tally.rules.get('CrmDown')?.outcomes).toMatchObject({ healed: 1 });
    const absent = { targets: { 'docker/crm-api': { opted_in: false } } };
    const refused = await played(never, rules, { world: absent });
    expect(refused.rules.get('CrmDown')?.refusals).toEqual({ not_opted_in: 1 });
  });

  test('preconditions hold', async () => {
    const rule = restarts('CrmDown', guard);
    const text = rule.text.replace('steps:', "when: [{ promql: 'up == 1' }]\nsteps:");
    const tally = await played(healed, [ruleText('CrmDown', text)]);
    expect(tally.rules.get('CrmDown')?.outcomes).toMatchObject({ healed: 1 });
  });
});

test('what goes wrong inside autoheal is no result', async () => {
  const { openStore } = PARTS;
  const deciding = played(morning(2), HASTY, {
    plain: true,
    openStore: async (clock) => {
      const store = await openStore(clock);
      return {
        ...store,
        commit: (changes) =>
          changes.some(({ kind }) => kind === 'remediation_add')
            ? Promise.reject(new Error('it cannot be added'))
            : store.commit(changes),
      };
    },
  });
  await expect(deciding).rejects.toThrow(
    'autoheal itself failed at 2026-03-01T00:00:00.000Z of the record: it cannot be added',
  );
  const stuck = played(morning(2), HASTY, {
    plain: true,
    openStore: async (clock) => ({
      ...(await openStore(clock)),
      latestEpisodes: () => Promise.reject(new Error('no such table')),
    }),
  });
  await expect(stuck).rejects.toThrow('autoheal itself failed: 6 deliveries were not decided');
});
