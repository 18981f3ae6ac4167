import { expect, test } from 'vitest';
import { ActionError } from '../../src/action.ts';
import { CallFailed, callBackend } from '../../src/engine/call.ts';
import { CALLS_PER_BACKEND_MAX, createPlaces } from '../../src/engine/places.ts';
import { fakeClock, turn } from '../fakes/clock.ts';
import { useRig } from './rig.ts';

const start = useRig();

async function full(places: ReturnType<typeof createPlaces>, deadline_at: number) {
  const taken = [];
  for (let n = 0; n < CALLS_PER_BACKEND_MAX; n += 1)
    taken.push(await places.take('docker', deadline_at));
  return taken;
}

test('so many calls at once and no more; the next gets the place that comes free, in order', async () => {
  const clock = fakeClock();
  const places = createPlaces(clock);
  expect(places.fullness()).toBe(0);
  const [first, second] = await full(places, clock.now() + 1_000);
  expect(places.fullness()).toBe(1);
  const got: string[] = [];
  const later = ['a', 'b'].map(async (name) => {
    const giveBack = await places.take('docker', clock.now() + 1_000);
    got.push(name);
    return giveBack;
  });
  // Another backend has its own places.
  (await places.take('kubernetes', clock.now()))();
  await turn();
  expect(got).toEqual([]);
  first?.();
  first?.();
  await turn();
  expect(got).toEqual(['a']);
  second?.();
  for (const giveBack of await Promise.all(later)) giveBack();
  expect(got).toEqual(['a', 'b']);
  expect(places.fullness()).toBe((CALLS_PER_BACKEND_MAX - 2) / CALLS_PER_BACKEND_MAX);
});

test('who waits past the deadline is told so, and holds nobody up', async () => {
  const clock = fakeClock();
  const places = createPlaces(clock);
  const [first] = await full(places, clock.now());
  const late = places.take('docker', clock.now() + 500).catch((error: unknown) => error);
  const patient = places.take('docker', clock.now() + 5_000);
  await clock.advance(500);
  const error = await late;
  expect(error).toBeInstanceOf(ActionError);
  expect(error).toMatchObject({ code: 'timeout', retryable: false });
  expect(String(error)).toContain('docker');
  first?.();
  (await patient)();
});

test('calls of the engine wait for their turn; one that gets none was no failure of the backend', async () => {
  const { engine, clock } = await start({ rules: {} });
  let at_once = 0;
  let most = 0;
  let calls = 0;
  const gates: (() => void)[] = [];
  const before: number[] = [];
  function call(deadline_ms: number) {
    return callBackend(engine, {
      backend: 'world',
      action: null,
      deadline_at: clock.now() + deadline_ms,
      before: async () => void before.push(calls),
      async run() {
        calls += 1;
        at_once += 1;
        most = Math.max(most, at_once);
        await new Promise<void>((resolve) => gates.push(resolve));
        at_once -= 1;
        return 'done';
      },
    });
  }
  const long = Array.from({ length: CALLS_PER_BACKEND_MAX + 3 }, () => call(60_000));
  const short = call(100).catch((error: unknown) => error);
  await turn();
  expect([calls, at_once]).toEqual([CALLS_PER_BACKEND_MAX, CALLS_PER_BACKEND_MAX]);
  await clock.advance(100);
  expect(await short).toBeInstanceOf(CallFailed);
  // What is read before a call is read when its turn has come, not while it waits.
  expect(before).toHaveLength(CALLS_PER_BACKEND_MAX);
  for (let open = gates.shift(); open !== undefined; open = gates.shift()) {
    open();
    await turn();
  }
  for (const one of await Promise.all(long)) expect(one).toEqual({ value: 'done', attempts: 1 });
  expect([calls, most]).toEqual([CALLS_PER_BACKEND_MAX + 3, CALLS_PER_BACKEND_MAX]);
  expect(engine.breakers.state('world')).toBe('closed');
  expect(engine.places.fullness()).toBe(0);
});
