import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('now is the time of day', () => {
  vi.useFakeTimers({ now: 1_795_000_000_000 });
  expect(systemClock.now()).toBe(1_795_000_000_000);
});

test('sleep ends after its time, also one longer than a timer can be', async () => {
  vi.useFakeTimers();
  for (const ms of [0, 50, 2 ** 31 + 5000]) {
    let over = false;
    const sleeping = systemClock.sleep(ms).finally(() => {
      over = true;
    });
    await vi.advanceTimersByTimeAsync(Math.max(0, ms - 1));
    expect(over).toBe(ms === 0);
    await vi.advanceTimersByTimeAsync(1);
    await sleeping;
    expect(over).toBe(true);
  }
});

test("an abort ends it at once with the signal's reason, and leaves no timer", async () => {
  vi.useFakeTimers();
  const stop = new AbortController();
  const sleeping = systemClock.sleep(60_000, stop.signal);
  const reason = new Error('shutting down');
  stop.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  await expect(systemClock.sleep(5, stop.signal)).rejects.toBe(reason);
  await expect(systemClock.sleep(0, stop.signal)).rejects.toBe(reason);
  expect(vi.getTimerCount()).toBe(0);
});
