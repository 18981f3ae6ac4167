import * as fc from 'fast-check';
import { POINTS } from './process.ts';
import { CASTS } from './rules.ts';
import { FAULTS } from './world.ts';

/**
 * What happens to autoheal, as plain data: so it shrinks, is printed in full, and can be pasted back.
 * Numbers that choose among what stands (a remediation, a hold) are taken modulo how many there are.
 */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const who = fc.nat({ max: 2 });
const peer = fc.nat({ max: 1 });
const wait_ms = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 20 * SECOND }) },
  { weight: 4, arbitrary: fc.integer({ min: 20 * SECOND, max: 3 * MINUTE }) },
  { weight: 2, arbitrary: fc.integer({ min: 3 * MINUTE, max: 12 * MINUTE }) },
  { weight: 1, arbitrary: fc.integer({ min: 12 * MINUTE, max: 40 * MINUTE }) },
);
function one<T extends string>(...words: readonly T[]): fc.Arbitrary<T> {
  return fc.constantFrom(...words);
}

/** `how`: `late` is delivered by a later command or never, `lost` never; `race`: without waiting for what it causes. */
const say = fc.record({
  do: one('say'),
  status: one('firing', 'firing', 'resolved'),
  who,
  how: one('once', 'once', 'once', 'once', 'race', 'twice', 'late', 'lost'),
  peer,
  source: one('alertmanager', 'alertmanager', 'alertmanager', 'curl'),
});
const operator = fc.oneof(
  fc.record({ do: one('pause') }),
  fc.record({ do: one('resume') }),
  fc.record({ do: one('unhold'), who }),
  fc.record({ do: one('cancel'), who }),
  fc.record({ do: one('undo'), who }),
  fc.record({
    do: one('hold'),
    about: one('rule', 'target', 'fingerprint', 'episode'),
    who,
    wait_ms,
  }),
  fc.record({ do: one('answer'), grant: fc.boolean(), who }),
  fc.record({ do: one('run'), rule: fc.nat({ max: 6 }), who }),
);
const quick = fc.oneof({ weight: 2, arbitrary: say }, { weight: 1, arbitrary: operator });
const any_command = fc.oneof(
  { weight: 14, arbitrary: say },
  { weight: 3, arbitrary: fc.record({ do: one('storm') }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: one('stumble'),
      who,
      over: fc.constantFrom('die_before', 'die_after', ...FAULTS),
      meanwhile: fc.option(quick),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: one('flap'), who, times: fc.integer({ min: 2, max: 3 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: one('wait'), ms: wait_ms }) },
  { weight: 2, arbitrary: fc.record({ do: one('late'), newest: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: one('jump'), ms: wait_ms, loops_first: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: one('die'),
      point: fc.constantFrom('now' as const, ...POINTS),
      nth: fc.nat({ max: 2 }),
      down_ms: fc.oneof(fc.constant(0), wait_ms),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: one('meanwhile'),
      point: fc.constantFrom('intent' as const, 'plan', 'before_act', 'after_act'),
      quick,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: one('faults'),
      faults: fc.array(fc.constantFrom(...FAULTS), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: one('probes'), tell: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: one('promql'), state: one('true', 'false', 'away') }) },
  { weight: 2, arbitrary: fc.record({ do: one('peer'), peer, up: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: one('peers'), up: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: one('empty'),
      peer: fc.nat({ max: 2 }),
      resend_ms: fc.integer({ min: MINUTE, max: 15 * MINUTE }),
      ms: wait_ms,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: one('outage'), meanwhile: quick, ms: wait_ms }),
  },
  { weight: 1, arbitrary: fc.record({ do: one('rules'), set: fc.nat({ max: 1 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: one('change'), thing: fc.nat({ max: 8 }), to: fc.nat({ max: 9 }) }),
  },
  { weight: 4, arbitrary: operator },
  { weight: 3, arbitrary: fc.record({ do: one('answer'), grant: fc.constant(true), who }) },
);
export type Command = typeof any_command extends fc.Arbitrary<infer C> ? C : never;
export type Of<W extends Command['do']> = Extract<Command, { do: W }>;

/** What may happen after the opening, at most; a night's run takes more. */
const LENGTH = Number(process.env['AUTOHEAL_MODEL_LENGTH'] ?? 5);

export interface Play {
  /** Alerts that take part, by number. */
  readonly cast: readonly number[];
  readonly commands: readonly Command[];
}
/** Most begin with an alert: before the first nothing much can happen. */
const opening = fc.oneof(
  { weight: 5, arbitrary: fc.constant(plainly(0)) },
  { weight: 2, arbitrary: fc.constant({ do: 'storm' as const }) },
  { weight: 3, arbitrary: any_command },
);
export const plays: fc.Arbitrary<Play> = fc
  .record({
    cast: fc.constantFrom(...CASTS),
    before: fc.array(any_command, { maxLength: 1, size: 'max' }),
    opening,
    after: fc.array(any_command, { minLength: 2, maxLength: LENGTH, size: 'max' }),
  })
  .map((parts) => ({
    cast: parts.cast,
    commands: [...parts.before, parts.opening, ...parts.after],
  }));

/** The plain case: an alert of the cast fires, and its post arrives. */
export function plainly(index: number): Of<'say'> {
  const plain = { how: 'once', peer: 0, source: 'alertmanager' } as const;
  return { do: 'say', status: 'firing', who: index, ...plain };
}
