import { expect, test } from 'vitest';
import { played, type Played } from './played.ts';

/** Every word of a guard can be brought about by a test file, so that a rule's author can test it. */

const RESTART = `matchers: ['alertname="Down"']
steps: [{ action: restart_container, with: { container: '{{ labels.container | default "api" }}' }, verify: { within: 1m, resolved: true } }]`;
const FLAG = `matchers: ['alertname="Slow"']
steps: [{ action: set_flag, with: { flag: heuristics-only, value: true }, lease: 30m, verify: { within: 1m, resolved: true } }]`;
const FIRE = `timeline: [{ at: 0s, fire: { labels: { alertname: Down } } }]`;
const GROUP = `{ id: compose/shop/api, total: 2, healthy: 0, serves: true }`;

interface Case extends Played {
  readonly word: string;
  readonly at: string;
}
/** `test` without what is expected: that comes from `word` and `at`. */
const CASES: readonly Case[] = [
  { word: 'paused', at: '0s', rules: { r: RESTART }, test: `mode: paused\n${FIRE}` },
  {
    word: 'held',
    at: '1s',
    rules: { r: RESTART },
    test: `timeline:
  - { at: 0s, operator: { hold: { rule: r }, for: 1h } }
  - { at: 1s, fire: { labels: { alertname: Down } } }`,
  },
  {
    word: 'stale',
    at: '5m',
    rules: { r: `${RESTART}\nguard: { max_age: 2m }` },
    test: `timeline:
  - { at: 0s, operator: { pause: release, for: 5m } }
  - { at: 1s, fire: { labels: { alertname: Down } } }
until: 6m`,
  },
  {
    word: 'resolved',
    at: '2m',
    rules: { r: RESTART },
    test: `timeline:
  - { at: 0s, operator: { hold: { rule: r } } }
  - { at: 1s, fire: { labels: { alertname: Down } } }
  - { at: 1m, resolve: { alertname: Down } }
  - { at: 2m, operator: { unhold: true } }`,
  },
  {
    word: 'silenced',
    at: '0s',
    rules: { r: RESTART },
    test: `world: { alertmanager: present, silences: [{ alertname: Down }] }\n${FIRE}`,
  },
  {
    word: 'blind',
    at: '0s',
    rules: { r: RESTART },
    test: `world: { alertmanager: down }\n${FIRE}`,
  },
  {
    word: 'precondition',
    at: '0s',
    rules: { r: `${RESTART}\nwhen: [{ promql: 'up > 0' }]` },
    test: `world: { promql: { 'up > 0': false } }\n${FIRE}`,
  },
  {
    word: 'not_during',
    at: '0s',
    rules: { r: `${RESTART}\nwhen: [{ not_during: night }]` },
    policy: `time_intervals: [{ name: night, time_intervals: [{ times: [{ start_time: '00:00', end_time: '06:00' }] }] }]`,
    test: FIRE,
  },
  {
    word: 'not_opted_in',
    at: '0s',
    rules: { r: RESTART },
    test: `world: { targets: { docker/api: { opted_in: false } } }\n${FIRE}`,
  },
  {
    word: 'busy',
    at: '10s',
    rules: { r: RESTART },
    test: `timeline:
  - { at: 0s, fire: { labels: { alertname: Down, n: '1' } } }
  - { at: 10s, fire: { labels: { alertname: Down, n: '2' } } }`,
  },
  {
    word: 'leased',
    at: '2m',
    rules: { r: FLAG, s: FLAG.replace('Slow', 'Down').replace('true }, lease', 'false }, lease') },
    test: `timeline:
  - { at: 0s, fire: { labels: { alertname: Slow }, every: 30s } }
  - { at: 2m, fire: { labels: { alertname: Down } } }`,
  },
  {
    word: 'cooldown',
    at: '2m',
    rules: { r: `${RESTART}\nguard: { cooldown: 5m }` },
    test: `timeline:
  - { at: 0s, fire: { labels: { alertname: Down } } }
  - { at: 1m, resolve: { alertname: Down } }
  - { at: 2m, fire: { labels: { alertname: Down } } }`,
  },
  {
    word: 'limit',
    at: '2m',
    rules: { r: `${RESTART}\nguard: { cooldown: 0s, limit: ['1/1h'] }` },
    test: `timeline:
  - { at: 0s, fire: { labels: { alertname: Down } } }
  - { at: 1m, resolve: { alertname: Down } }
  - { at: 2m, fire: { labels: { alertname: Down } } }`,
  },
  {
    word: 'quarantined',
    at: '15m',
    rules: { r: `${RESTART}\nguard: { cooldown: 0s, limit: ['9/1h'] }` },
    policy: `quarantine: { after: 2 }`,
    test: `timeline:
  - { at: 0s, fire: { labels: { alertname: Down } } }
  - { at: 4m, resolve: { alertname: Down } }
  - { at: 5m, fire: { labels: { alertname: Down } } }
  - { at: 9m, resolve: { alertname: Down } }
  - { at: 15m, fire: { labels: { alertname: Down } } }`,
  },
  {
    word: 'min_healthy',
    at: '0s',
    rules: { r: `${RESTART}\nguard: { min_healthy: 1 }` },
    test: `world: { targets: { docker/api: { group: ${GROUP} } } }\n${FIRE}`,
  },
  {
    word: 'blast_radius',
    at: '10s',
    rules: { r: RESTART },
    policy: `blast_radius: { total: 1, window: 1h }`,
    test: `timeline:
  - { at: 0s, fire: { labels: { alertname: Down, container: a } } }
  - { at: 10s, fire: { labels: { alertname: Down, container: b } } }`,
  },
  {
    word: 'breaker_open',
    at: '15s',
    rules: { r: RESTART },
    test: `timeline:
  - { at: 0s, action: { action: restart_container, fails: unavailable, times: 3 } }
  - { at: 0s, fire: { labels: { alertname: Down, container: a } } }
  - { at: 15s, fire: { labels: { alertname: Down, container: b } } }`,
  },
  { word: 'approval', at: '0s', rules: { r: RESTART }, test: `mode: approve\n${FIRE}` },
  { word: 'dry_run', at: '0s', rules: { r: RESTART }, test: `mode: dry-run\n${FIRE}` },
];

test.each(CASES)('$word', async ({ word, at, ...of }) => {
  const { diff, problems } = await played({ ...of, test: `${of.test}\nexpect: []` });
  expect(problems).toEqual([]);
  const told = diff.map(({ text }) => text.split(/ +/));
  const there = told.some(([when, , ...words]) => when === at && words.includes(word));
  expect(there, diff.map(({ text }) => text).join('\n')).toBe(true);
});
