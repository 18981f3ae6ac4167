import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Alert } from '../../../src/core/alerts/alert.ts';
import type { Episode } from '../../../src/core/alerts/episode.ts';
import {
  type Arrival,
  applyAlert,
  CLOCK_SKEW_MAX_MS,
  type EpisodeDecision,
  LATE_DUPLICATE_MAX_MS,
} from '../../../src/core/alerts/episode-apply.ts';

const NOON = 1_772_452_800_000;
const MINUTE_MS = 60_000;

function alert(status: 'firing' | 'resolved', more: Partial<Alert> = {}): Alert {
  return {
    fingerprint: 'd2aeefc389ca7746',
    status,
    alertname: 'QueueStuck',
    labels: { alertname: 'QueueStuck' },
    annotations: {},
    starts_at: NOON,
    ends_at: null,
    generator_url: '',
    drill: false,
    ...more,
  };
}
function arrival(received_at: number, more: Partial<Arrival> = {}): Arrival {
  return {
    received_at,
    source: 'alertmanager',
    trace_id: null,
    new_id: `episode-${received_at}`,
    rules_version: 'rules-1',
    ...more,
  };
}
function episodeOf(decision: EpisodeDecision): Episode {
  if (!('episode' in decision)) throw new Error(`${decision.kind}: ${decision.why}`);
  return decision.episode;
}
function openedAt(received_at: number, more: Partial<Alert> = {}, by?: Partial<Arrival>): Episode {
  return episodeOf(applyAlert(undefined, alert('firing', more), arrival(received_at, by)));
}
/** Began at noon, ended at ten past, closed a minute later. */
function closedEpisode(by: Partial<Arrival> = {}): Episode {
  const resolve = alert('resolved', { ends_at: NOON + 10 * MINUTE_MS });
  const at = arrival(NOON + 11 * MINUTE_MS, by);
  return episodeOf(applyAlert(openedAt(NOON + MINUTE_MS, {}, by), resolve, at));
}

describe('a firing', () => {
  test('opens an episode where there was none', () => {
    const at = arrival(NOON + MINUTE_MS, { trace_id: 'a'.repeat(32), source: 'curl' });
    const sent = alert('firing', { annotations: { summary: 's' }, drill: true });
    expect(applyAlert(undefined, sent, at)).toEqual({
      kind: 'open',
      episode: {
        id: at.new_id,
        fingerprint: 'd2aeefc389ca7746',
        alertname: 'QueueStuck',
        labels: { alertname: 'QueueStuck' },
        annotations: { summary: 's' },
        source: 'curl',
        generator_url: '',
        state: 'open',
        starts_at: NOON,
        opened_at: NOON + MINUTE_MS,
        last_firing_at: NOON + MINUTE_MS,
        closed_at: null,
        ended_at: null,
        close_reason: null,
        firings: 1,
        matched_rules: 'rules-1',
        drill: true,
        trace_id: 'a'.repeat(32),
      },
    });
  });

  test('repeats while one is open: fresh evidence, the earliest start, the newest words', () => {
    const open = openedAt(NOON + MINUTE_MS, {
      annotations: { value: '1' },
      generator_url: 'http://a',
    });
    const again = alert('firing', {
      starts_at: NOON - MINUTE_MS,
      annotations: { value: '2' },
      labels: { alertname: 'QueueStuck', moved: 'x' },
    });
    const at = arrival(NOON + 5 * MINUTE_MS, { rules_version: 'rules-2' });
    expect(applyAlert(open, again, at)).toEqual({
      kind: 'repeat',
      episode: {
        ...open,
        annotations: { value: '2' },
        starts_at: NOON - MINUTE_MS,
        last_firing_at: NOON + 5 * MINUTE_MS,
        firings: 2,
      },
    });
  });

  test('with a moved start, after a killed Alertmanager came back, is still a repeat', () => {
    const moved = alert('firing', { starts_at: NOON + 3 * MINUTE_MS });
    const decision = applyAlert(openedAt(NOON), moved, arrival(NOON + 4 * MINUTE_MS));
    expect(decision).toMatchObject({ kind: 'repeat', episode: { starts_at: NOON } });
  });

  test('that arrives out of order does not make the evidence older', () => {
    const open = openedAt(NOON + 5 * MINUTE_MS);
    const decision = applyAlert(open, alert('firing'), arrival(NOON + MINUTE_MS));
    expect(episodeOf(decision).last_firing_at).toBe(NOON + 5 * MINUTE_MS);
  });

  test('from Alertmanager makes the episode one that Alertmanager can be asked about', () => {
    const by_hand = openedAt(NOON, {}, { source: 'curl' });
    const vouched = episodeOf(applyAlert(by_hand, alert('firing'), arrival(NOON + 1)));
    expect(vouched.source).toBe('alertmanager');
    const at = arrival(NOON + 2, { source: 'curl' });
    expect(episodeOf(applyAlert(vouched, alert('firing'), at)).source).toBe('alertmanager');
  });

  test('with a start far ahead of our clock has none that we believe', () => {
    const starts_at = NOON + CLOCK_SKEW_MAX_MS + 1;
    expect(openedAt(NOON, { starts_at }).starts_at).toBeNull();
    expect(openedAt(NOON, { starts_at: starts_at - 1 }).starts_at).toBe(starts_at - 1);
  });
});

describe('a firing after our close', () => {
  const SOON = NOON + 12 * MINUTE_MS;
  const ENDED = NOON + 10 * MINUTE_MS;

  test('is a late duplicate when it began not after the end', () => {
    for (const starts_at of [NOON, ENDED])
      expect(
        applyAlert(closedEpisode(), alert('firing', { starts_at }), arrival(SOON)),
      ).toMatchObject({
        kind: 'late_duplicate',
        why: expect.stringContaining('not after episode'),
      });
  });

  test('opens a new episode when it began later, or does not say when', () => {
    for (const starts_at of [ENDED + 1, null]) {
      const decision = applyAlert(closedEpisode(), alert('firing', { starts_at }), arrival(SOON));
      expect(decision).toMatchObject({ kind: 'open', episode: { id: `episode-${SOON}` } });
    }
  });

  test('opens one after so long that no copy can be under way', () => {
    const last = NOON + 11 * MINUTE_MS + LATE_DUPLICATE_MAX_MS;
    expect(applyAlert(closedEpisode(), alert('firing'), arrival(last)).kind).toBe('late_duplicate');
    expect(applyAlert(closedEpisode(), alert('firing'), arrival(last + 1)).kind).toBe('open');
  });

  test('is taken as it stands when a person posts it, or when the close came by another way', () => {
    const by_hand = { source: 'curl' };
    const decisions = [
      applyAlert(closedEpisode(by_hand), alert('firing'), arrival(SOON, by_hand)),
      applyAlert(closedEpisode(by_hand), alert('firing'), arrival(SOON)),
      applyAlert(closedEpisode(), alert('firing'), arrival(SOON, by_hand)),
    ];
    expect(decisions.map(({ kind }) => kind)).toEqual(['open', 'open', 'open']);
  });
});

describe('a resolve', () => {
  const END = NOON + 10 * MINUTE_MS;

  test('closes the open episode at the sender’s end', () => {
    const open = openedAt(NOON + MINUTE_MS);
    const decision = applyAlert(open, alert('resolved', { ends_at: END }), arrival(END + 5_000));
    expect(decision).toEqual({
      kind: 'close',
      episode: {
        ...open,
        state: 'closed',
        closed_at: END + 5_000,
        ended_at: END,
        close_reason: 'resolved',
      },
    });
  });

  test.each([
    ['no end', null],
    ['an end far ahead of our clock', END + CLOCK_SKEW_MAX_MS + 1],
  ])('with %s closes it at our clock', (_, ends_at) => {
    const decision = applyAlert(openedAt(NOON), alert('resolved', { ends_at }), arrival(END));
    expect(episodeOf(decision)).toMatchObject({ closed_at: END, ended_at: END });
  });

  test('whose start moved to an earlier moment closes it all the same', () => {
    const open = openedAt(NOON + MINUTE_MS, { starts_at: NOON + 2_000 });
    const sent = alert('resolved', { starts_at: NOON, ends_at: END });
    expect(applyAlert(open, sent, arrival(END))).toMatchObject({
      kind: 'close',
      episode: { starts_at: NOON },
    });
  });

  test('that ended before the open episode began is of an older firing and closes nothing', () => {
    const open = openedAt(NOON + 30 * MINUTE_MS, { starts_at: NOON + 29 * MINUTE_MS });
    const sent = alert('resolved', { ends_at: END });
    expect(applyAlert(open, sent, arrival(NOON + 31 * MINUTE_MS))).toEqual({
      kind: 'late_resolve',
      why: expect.stringContaining('before the open episode began'),
    });
  });

  test('does nothing where no episode is open, and says which way', () => {
    const at = arrival(NOON + 12 * MINUTE_MS);
    const resolved = alert('resolved', { ends_at: END });
    expect(applyAlert(undefined, resolved, at).kind).toBe('resolved_unknown');
    expect(applyAlert(closedEpisode(), resolved, at).kind).toBe('resolved_again');
    const unseen = alert('resolved', { starts_at: END + 1, ends_at: END + 2 });
    expect(applyAlert(closedEpisode(), unseen, at).kind).toBe('resolved_unknown');
  });
});

/** What holds for every decision. @returns the newest episode after it. */
function check(prior: Episode | undefined, decision: EpisodeDecision): Episode | undefined {
  if (!('episode' in decision)) return prior;
  const { kind, episode } = decision;
  expect(episode.state).toBe(kind === 'close' ? 'closed' : 'open');
  if (kind === 'open') {
    expect(prior?.state).not.toBe('open');
    return episode;
  }
  if (prior === undefined) throw new Error(`${kind} without an episode`);
  expect(prior).toMatchObject({ state: 'open', id: episode.id });
  expect(episode.starts_at ?? 0).toBeLessThanOrEqual(prior.starts_at ?? Number.POSITIVE_INFINITY);
  expect(episode.ended_at ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(
    episode.starts_at ?? 0,
  );
  expect(episode.last_firing_at).toBeGreaterThanOrEqual(prior.last_firing_at);
  expect(episode.firings).toBe(prior.firings + (kind === 'repeat' ? 1 : 0));
  return episode;
}

describe('any sequence', () => {
  const time = fc.integer({ min: NOON, max: NOON + 60 * MINUTE_MS });
  const maybe = fc.option(time, { nil: null, freq: 4 });
  const step = fc.record({
    status: fc.constantFrom('firing' as const, 'resolved' as const),
    starts_at: maybe,
    ends_at: maybe,
    received_at: time,
    source: fc.constantFrom('alertmanager', 'grafana', 'curl'),
  });

  test('opens and closes by turns, and the start of an episode never moves later', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        let episode: Episode | undefined;
        for (const { received_at, source, ...sent } of steps) {
          const decision = applyAlert(
            episode,
            alert(sent.status, sent),
            arrival(received_at, { source }),
          );
          episode = check(episode, decision);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('copies of one firing and its resolve, in any order behind the first firing, end closed after one episode', () => {
    const firing = alert('firing');
    const resolve = alert('resolved', { ends_at: NOON + 10 * MINUTE_MS });
    fc.assert(
      fc.property(fc.array(fc.constantFrom(firing, resolve), { maxLength: 12 }), (sent) => {
        let episode: Episode | undefined;
        let opens = 0;
        for (const [index, one] of [firing, ...sent, resolve].entries()) {
          const decision = applyAlert(episode, one, arrival(NOON + 11 * MINUTE_MS + index));
          opens += decision.kind === 'open' ? 1 : 0;
          episode = check(episode, decision);
        }
        expect(opens).toBe(1);
        expect(episode?.state).toBe('closed');
      }),
    );
  });

  test('a repeat of the same delivery changes only the count', () => {
    fc.assert(
      fc.property(time, maybe, (received_at, starts_at) => {
        const open = openedAt(received_at, { starts_at });
        const again = applyAlert(open, alert('firing', { starts_at }), arrival(received_at));
        expect(again).toEqual({ kind: 'repeat', episode: { ...open, firings: 2 } });
      }),
    );
  });
});
