import { expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { createLoop } from '../../src/engine/loop.ts';
import type { Log } from '../../src/ports.ts';
import { fakeClock, turn } from '../fakes/clock.ts';

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

test('a round that is always due does not keep the event loop from its other work', async () => {
  let rounds = 0;
  const loop = createLoop({
    name: 'eager',
    clock: systemClock,
    log: SILENT,
    round: async () => {
      rounds += 1;
      loop.poke();
      return 0;
    },
  });
  loop.start();
  // Each of these needs a turn of the event loop: with the loop in its way, the test would never end.
  for (let n = 0; n < 20; n += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(rounds).toBeGreaterThan(1);
  await loop.stop();
});

test('it comes round when poked, when its time has come, and not after it was stopped', async () => {
  const clock = fakeClock();
  const at: number[] = [];
  const began = clock.now();
  const loop = createLoop({
    name: 'calm',
    clock,
    log: SILENT,
    round: async () => {
      at.push(clock.now() - began);
      return clock.now() + 300;
    },
  });
  loop.start();
  await turn();
  await clock.advance(299);
  expect(at).toEqual([0]);
  await clock.advance(1);
  expect(at).toEqual([0, 300]);
  await clock.advance(100);
  loop.poke();
  await turn();
  expect(at).toEqual([0, 300, 400]);
  await loop.stop();
  await clock.advance(10_000);
  expect(at).toEqual([0, 300, 400]);
});

test('a round that fails is logged and tried again', async () => {
  const clock = fakeClock();
  const errors: unknown[] = [];
  let rounds = 0;
  const loop = createLoop({
    name: 'failing',
    clock,
    log: { ...SILENT, error: (fields) => errors.push(fields) },
    round: async () => {
      rounds += 1;
      throw new Error('away');
    },
  });
  loop.start();
  await turn();
  expect([rounds, errors.length, loop.lastRoundAt()]).toEqual([1, 1, 0]);
  await clock.advance(500);
  expect(rounds).toBe(2);
  // It goes round, though none goes well: it does not hang.
  expect([loop.lastRoundAt(), loop.lastTurnAt()]).toEqual([0, clock.now()]);
  await loop.stop();
});

test('the same failure is one line a minute, with a count of those left out; another one is said at once', async () => {
  const clock = fakeClock();
  const lines: { readonly message: string; readonly left_out: number }[] = [];
  let message = 'full';
  const loop = createLoop({
    name: 'failing',
    clock,
    log: {
      ...SILENT,
      error: (fields) => {
        const { err, left_out } = fields as { err: Error; left_out: number };
        lines.push({ message: err.message, left_out });
      },
    },
    round: async () => {
      throw new Error(message);
    },
  });
  loop.start();
  await turn();
  for (let n = 0; n < 10; n += 1) await clock.advance(500);
  expect(lines).toEqual([{ message: 'full', left_out: 0 }]);
  message = 'damaged';
  await clock.advance(500);
  expect(lines.slice(1)).toEqual([{ message: 'damaged', left_out: 0 }]);
  message = 'full';
  for (let n = 0; n < 120; n += 1) await clock.advance(500);
  expect(lines.slice(2)).toEqual([{ message: 'full', left_out: expect.any(Number) }]);
  expect(lines[2]?.left_out).toBeGreaterThan(100);
  await loop.stop();
});
