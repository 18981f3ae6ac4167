import { describe, expect, test } from 'vitest';
import { forget, NO_MEMORY, remember } from '../../../src/core/alerts/reconcile-memory.ts';
import {
  closedEpisode,
  findingsOf,
  lastOf,
  NOON,
  openEpisode,
  pollOf,
  SECOND_MS,
  shownAlert,
  STARTED,
} from './reconciling.ts';

const X = shownAlert('x');
const OPEN = { open: [openEpisode('x')] };

describe('an alert that is gone', () => {
  test('has vanished when whole polls missed it for longer than a resend takes', () => {
    const polls = [
      { at: 0, peers: [[X]] },
      { at: 15, peers: [[]] },
      { at: 90, peers: [[]] },
      { at: 105, peers: [[]] },
      { at: 106, peers: [[]] },
    ];
    expect(findingsOf(polls, OPEN).map((found) => found.length)).toEqual([0, 0, 0, 0, 1]);
    expect(findingsOf(polls, OPEN).at(-1)).toEqual([
      { kind: 'vanished', episode: OPEN.open[0], absent_since: NOON + 15 * SECOND_MS },
    ]);
  });

  const gone = [
    { at: 15, peers: [[], []] },
    { at: 60, peers: [[], []] },
    { at: 200, peers: [[], []] },
  ];
  test('was shown by one of a pair: that is enough, when both answer and neither shows it', () => {
    expect(lastOf([{ at: 0, peers: [[X], []] }, ...gone], OPEN)).toEqual(['vanished x']);
  });

  test.each([
    ['never shown by this Alertmanager', gone],
    [
      'still shown by the other peer',
      [
        { at: 0, peers: [[X], [X]] },
        { at: 15, peers: [[], [X]] },
        { at: 200, peers: [[], [X]] },
      ],
    ],
    [
      'silenced, which is not gone',
      [
        { at: 0, peers: [[X], []] },
        { at: 15, peers: [[{ ...X, suppressed: true }], []] },
        { at: 200, peers: [[{ ...X, suppressed: true }], []] },
      ],
    ],
    [
      'shown again in between',
      [
        { at: 0, peers: [[X], []] },
        { at: 15, peers: [[], []] },
        { at: 100, peers: [[X], []] },
        { at: 115, peers: [[], []] },
        { at: 200, peers: [[], []] },
      ],
    ],
    [
      'missed by polls that a peer did not answer',
      [
        { at: 0, peers: [[X], []] },
        { at: 15, peers: [[], []] },
        { at: 110, peers: [[], 'down' as const] },
      ],
    ],
    [
      'missed for too short a time since a peer came back',
      [
        { at: 0, peers: [[X], []] },
        { at: 15, peers: [[], []] },
        { at: 60, peers: [[], 'down' as const] },
        { at: 75, peers: [[], []] },
        { at: 150, peers: [[], []] },
      ],
    ],
    [
      'gone with the restart of the only one that had shown it',
      [
        { at: 0, peers: [[X]] },
        { at: 15, peers: [[]], started: [NOON] },
        { at: 200, peers: [[]], started: [NOON] },
      ],
    ],
    [
      'gone because of the restart of a peer, for too short a time',
      [
        { at: 0, peers: [[X], []] },
        { at: 15, peers: [[], []] },
        { at: 60, peers: [[], []], started: [STARTED, NOON] },
        { at: 140, peers: [[], []], started: [STARTED, NOON] },
      ],
    ],
    [
      'asked for under another receiver',
      [
        { at: 0, peers: [[X]] },
        { at: 15, peers: [[]], receivers: ['other'] },
        { at: 200, peers: [[]], receivers: ['other'] },
      ],
    ],
    [
      'unknown to a Prometheus that does not answer',
      [
        { at: 0, peers: [[X]], prometheus: [] },
        { at: 15, peers: [[]], prometheus: 'failed' as const },
        { at: 200, peers: [[]], prometheus: 'failed' as const },
      ],
    ],
    [
      'firing in Prometheus',
      [
        { at: 0, peers: [[X]], prometheus: [X] },
        { at: 15, peers: [[]], prometheus: [X] },
        { at: 200, peers: [[]], prometheus: [X] },
      ],
    ],
    [
      'firing in Prometheus until a moment ago',
      [
        { at: 0, peers: [[X]], prometheus: [X] },
        { at: 15, peers: [[]], prometheus: [X] },
        { at: 150, peers: [[]], prometheus: [] },
        { at: 200, peers: [[]], prometheus: [] },
      ],
    ],
  ])('stays open: %s', (_why, polls) => {
    expect(lastOf(polls, OPEN)).toEqual([]);
  });

  test.each([
    [{ alertname: 'QueueStuck' }, 'open'],
    [{ alertname: 'QueueStuck', queue: 'x' }, 'open'],
    // A label that relabelling drops on the way to Alertmanager.
    [{ alertname: 'QueueStuck', queue: 'x', pod: 'p-1' }, 'open'],
    [{ alertname: 'QueueStuck', queue: 'y' }, 'closed'],
    [{ alertname: 'Other', queue: 'x' }, 'closed'],
  ])('with %o firing in Prometheus it stays %s', (labels, state) => {
    const prometheus = [{ labels: labels as Record<string, string> }];
    const polls = [0, 15, 200].map((at) => ({ at, peers: [at === 0 ? [X] : []], prometheus }));
    expect(lastOf(polls, OPEN)).toEqual(state === 'open' ? [] : ['vanished x']);
  });

  test('stays open while a delivery that came meanwhile is younger than a resend takes', () => {
    const open = [openEpisode('x', { last_firing_at: NOON + 130 * SECOND_MS })];
    const polls = [0, 15, 200].map((at) => ({ at, peers: [at === 0 ? [X] : []] }));
    expect(lastOf(polls, { open })).toEqual([]);
    expect(lastOf([...polls, { at: 221, peers: [[]] }], { open })).toEqual(['vanished x']);
  });
});

describe('an alert that fires', () => {
  test.each([
    ['without any episode', [[X]], [], ['unseen x']],
    [
      'with a start that nobody can believe',
      [[{ ...X, starts_at: NOON + 3_600_000 }]],
      [],
      ['unseen x'],
    ],
    ['with a start that clocks may differ by', [[{ ...X, starts_at: NOON + 300_000 }]], [], []],
    ['without a start', [[{ ...X, starts_at: null }]], [], ['unseen x']],
    [
      'in one of a pair, silenced in the other',
      [[{ ...X, suppressed: true }], [X]],
      [],
      ['unseen x'],
    ],
    ['in one of a pair, the other down', [[X], 'down' as const], [], ['unseen x']],
    ['silenced everywhere', [[{ ...X, suppressed: true }], []], [], []],
    ['for less than it may be on its way', [[{ ...X, starts_at: NOON - 29_000 }]], [], []],
    ['begun after the closed one ended', [[X]], [closedEpisode('x', NOON - 61_000)], ['unseen x']],
    [
      'begun anew in one, still silenced there, and active in the other',
      [[X], [{ ...X, suppressed: true, starts_at: NOON - 20_000 }]],
      [closedEpisode('x', NOON - 30_000)],
      ['unseen x'],
    ],
    [
      'begun before the closed one ended, which ended a moment ago',
      [[X]],
      [closedEpisode('x', NOON - 30_000)],
      [],
    ],
    [
      'begun before the closed one ended, but closed long ago and shown by all',
      [[X], [X]],
      [closedEpisode('x', NOON - 50_000, NOON - 91_000)],
      ['unseen x'],
    ],
    [
      'the same, shown by one of two',
      [[X], []],
      [closedEpisode('x', NOON - 50_000, NOON - 91_000)],
      [],
    ],
    [
      'the same, and one of two is down',
      [[X], 'down' as const],
      [closedEpisode('x', NOON - 50_000, NOON - 91_000)],
      [],
    ],
    ['closed after the poll began', [[X]], [closedEpisode('x', NOON - 61_000, NOON)], []],
    ['known from elsewhere', [[X]], [openEpisode('x', { source: 'grafana' })], []],
  ])('%s', (_name, peers, latest, found) => {
    expect(lastOf([{ at: 0, peers }], { latest })).toEqual(found);
  });

  test('is nothing of ours when no receiver is named', () => {
    expect(lastOf([{ at: 0, peers: [[X]], receivers: [] }])).toEqual([]);
  });

  test('is evidence for work under way, once in five minutes, silenced or not', () => {
    const in_use = ['episode-x'];
    const aged = (age_s: number) => [
      openEpisode('x', { last_firing_at: NOON - age_s * SECOND_MS }),
    ];
    const peers = [[{ ...X, suppressed: true, starts_at: NOON - 3_600_000 }]];
    expect(lastOf([{ at: 0, peers }], { open: aged(300), in_use })).toEqual(['evidence x']);
    expect(lastOf([{ at: 0, peers }], { open: aged(299), in_use })).toEqual([]);
    expect(lastOf([{ at: 0, peers }], { open: aged(300) })).toEqual([]);
  });
});

describe('an alert with a start later than the last word of it', () => {
  const told = openEpisode('x', { last_firing_at: NOON - 40_000 });
  test.each<[string, number | null, readonly string[]]>([
    ['after it: told', NOON - 20_000, ['restarted x']],
    ['before it: as ever', NOON - 60_000, []],
    ['in the future of the poll: on its way', NOON + 1_000, []],
    ['without a start', null, []],
  ])('%s', (_name, starts_at, found) => {
    expect(lastOf([{ at: 0, peers: [[{ ...X, starts_at }]] }], { open: [told] })).toEqual(found);
  });
});

describe('the memory', () => {
  test('forgets what is neither open nor shown', () => {
    const y = shownAlert('y');
    const z = shownAlert('z');
    let memory = remember(NO_MEMORY, pollOf({ at: 0, peers: [[X, y, z]] }));
    memory = remember(memory, pollOf({ at: 15, peers: [[z]] }));
    memory = forget(memory, (fingerprint) => fingerprint === 'x');
    expect([...(memory.peers.get('http://a:9093')?.seen ?? [])]).toEqual(['x', 'z']);
    expect([...memory.absent_since.keys()]).toEqual(['x']);
  });
});
