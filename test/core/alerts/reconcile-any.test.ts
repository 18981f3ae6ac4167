import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RECONCILE_LIMITS } from '../../../src/core/alerts/reconcile.ts';
import type { ShownAlert } from '../../../src/core/alerts/reconcile-memory.ts';
import {
  findingsOf,
  NOON,
  openEpisode,
  type PollOptions,
  SECOND_MS,
  shownAlert,
  STARTED,
} from './reconciling.ts';

/* Any history of two Alertmanagers and one Prometheus: what is closed has earned it. */

const FINGERPRINTS = ['x', 'y'] as const;
const alerts = fc
  .subarray([...FINGERPRINTS])
  .chain((names) =>
    fc.tuple(
      ...names.map((name) => fc.boolean().map((suppressed) => shownAlert(name, { suppressed }))),
    ),
  );
const said = fc.oneof(
  { arbitrary: alerts, weight: 8 },
  { arbitrary: fc.constant('down' as const), weight: 1 },
);
const started = fc.oneof(
  { arbitrary: fc.constant(STARTED), weight: 12 },
  { arbitrary: fc.constant(NOON), weight: 1 },
);
const prometheus = fc.oneof(
  { arbitrary: fc.constant([]), weight: 8 },
  { arbitrary: fc.constant([shownAlert('x')]), weight: 1 },
  { arbitrary: fc.constant('failed' as const), weight: 1 },
);
/** Mostly quiet, so that something can vanish at all. */
const step = fc.record({
  gap_s: fc.integer({ min: 1, max: 60 }),
  quiet: fc.boolean(),
  peers: fc.tuple(said, said),
  started: fc.tuple(started, started),
  prometheus,
});
const history = fc.array(step, { minLength: 2, maxLength: 20 }).map((steps) => {
  let at = 0;
  return steps.map(({ gap_s, quiet, ...rest }): PollOptions => {
    at += gap_s;
    return quiet ? { at, peers: [[], []], prometheus: [] } : { at, ...rest };
  });
});

const OPEN = FINGERPRINTS.map((name) => openEpisode(name));

function shows(poll: PollOptions, fingerprint: string): boolean {
  return poll.peers.some(
    (peer) =>
      peer !== 'down' && peer.some((alert: ShownAlert) => alert.fingerprint === fingerprint),
  );
}
function isBroken(poll: PollOptions): boolean {
  return poll.prometheus === 'failed' || poll.peers.includes('down');
}
/** Every poll that found something vanished, with the polls of the span that it claims. */
function vanished(polls: readonly PollOptions[]) {
  return findingsOf(polls, { open: OPEN }).flatMap((found, index) =>
    found.flatMap((finding) => {
      if (finding.kind !== 'vanished') return [];
      const from = (finding.absent_since - NOON) / SECOND_MS;
      const span = polls.slice(0, index + 1).filter((poll) => poll.at >= from);
      return [
        {
          fingerprint: finding.episode.fingerprint,
          span,
          before: polls.slice(0, index + 1 - span.length),
          index,
        },
      ];
    }),
  );
}

let closes = 0;

test('nothing is closed that anybody showed, while anybody was silent, or that was never shown', () => {
  fc.assert(
    fc.property(history, (polls) => {
      for (const { fingerprint, span, before } of vanished(polls)) {
        closes += 1;
        expect(span.some((poll) => shows(poll, fingerprint))).toBe(false);
        expect(span.some(isBroken)).toBe(false);
        expect(before.some((poll) => shows(poll, fingerprint))).toBe(true);
        const first = span[0]?.at ?? 0;
        const last = span.at(-1)?.at ?? 0;
        expect((last - first) * SECOND_MS).toBeGreaterThan(RECONCILE_LIMITS.resend_delay_ms);
      }
    }),
    { numRuns: 2_000, seed: 7 },
  );
  // Else the property would hold for nothing.
  expect(closes).toBeGreaterThan(50);
});

test('nothing is closed while the process that showed it is gone', () => {
  fc.assert(
    fc.property(history, (polls) => {
      for (const { fingerprint, index } of vanished(polls)) {
        // Some peer showed it in a poll since which its start has not moved.
        const witnessed = [0, 1].some((peer) => {
          const now = startOf(polls, index, peer);
          for (let at = index; at >= 0 && startOf(polls, at, peer) === now; at -= 1) {
            const answer = polls[at]?.peers[peer];
            if (answer !== 'down' && answer?.some((alert) => alert.fingerprint === fingerprint))
              return true;
          }
          return false;
        });
        expect(witnessed).toBe(true);
      }
    }),
    { numRuns: 1_000, seed: 8 },
  );
});

/** As last known: a peer that is down has not said that it restarted. */
function startOf(polls: readonly PollOptions[], index: number, peer: number): number {
  for (let at = index; at >= 0; at -= 1) {
    const poll = polls[at];
    if (poll !== undefined && poll.peers[peer] !== 'down') return poll.started?.[peer] ?? STARTED;
  }
  return STARTED;
}

test('a delivery after the poll began is never overridden', () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 0, max: 600 }), (polls, fired_s) => {
      const fired_at = NOON + fired_s * SECOND_MS;
      const open = [openEpisode('x', { last_firing_at: fired_at })];
      for (const [index, found] of findingsOf(polls, { open }).entries())
        for (const { kind } of found)
          if (kind === 'vanished')
            expect(NOON + (polls[index]?.at ?? 0) * SECOND_MS).toBeGreaterThan(
              fired_at + RECONCILE_LIMITS.resend_delay_ms,
            );
    }),
    { numRuns: 1_000, seed: 9 },
  );
});
