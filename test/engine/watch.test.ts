import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAlertmanagers } from '../../src/adapters/alertmanager.ts';
import { createWatch, type Watch, type WatchDeps } from '../../src/engine/watch.ts';
import type { PromAlerts } from '../../src/ports.ts';
import { type FakeAlertmanager, startAlertmanager } from '../fakes/alertmanager.ts';
import { fakeClock, type FakeClock } from '../fakes/clock.ts';
import { until } from '../real/until.ts';

const X = { fingerprint: 'd2aeefc389ca7746', labels: { alertname: 'QueueStuck' } };
const GONE = 'ffffffffffffffff';
const SOON = { timeout_ms: 10_000 };

let clock: FakeClock;
let a: FakeAlertmanager;
let b: FakeAlertmanager;
let watch: Watch;
let counted: string[];
let logged: { readonly level: string; readonly who: string }[];

beforeEach(async () => {
  clock = fakeClock();
  a = await startAlertmanager({ started_at: clock.now() - 1_000 });
  b = await startAlertmanager({ started_at: clock.now() - 1_000 });
  counted = [];
  logged = [];
  watch = build([a.url, b.url]);
});
afterEach(async () => {
  watch.close();
  await a.close();
  await b.close();
});

const NO_PROMETHEUS: PromAlerts = { configured: false, firing: async () => [] };

function build(urls: readonly string[], more: Partial<WatchDeps> = {}): Watch {
  function say(level: string) {
    return (fields: object) => void logged.push({ level, who: (fields as { who: string }).who });
  }
  return createWatch({
    peers: createAlertmanagers({ urls, timeout_ms: 5_000 }),
    prometheus: NO_PROMETHEUS,
    clock,
    log: { debug() {}, info: say('info'), warn: say('warn'), error: say('error') },
    metrics: {
      reconcilePoll: (result) => void counted.push(result),
      alertmanagerPolled: (at) => void counted.push(`at ${at - clock.now()}`),
    },
    receivers: () => ['autoheal'],
    ...more,
  });
}
async function stateOf(fingerprint: string): Promise<string> {
  await watch.poll();
  return watch.view(fingerprint)?.state ?? 'never polled';
}

describe('what a pair shows of an alert', () => {
  test('nothing before the first poll', () => {
    expect(watch.view(X.fingerprint)).toBeUndefined();
  });

  test('active in one is active, in whichever', async () => {
    a.show(X);
    expect(await stateOf(X.fingerprint)).toBe('active');
    a.show({ ...X, silenced_by: [a.silence('ann')] });
    b.show(X);
    expect(await stateOf(X.fingerprint)).toBe('active');
    expect(watch.view(X.fingerprint)?.silenced_by).toEqual([]);
  });

  test('suppressed when all that show it say so, by whom together', async () => {
    const silence = a.silence('ann');
    a.show({ ...X, silenced_by: [silence] });
    expect(await stateOf(X.fingerprint)).toBe('suppressed');
    b.show({ ...X, inhibited_by: ['e'.repeat(16)], muted_by: ['night'] });
    await watch.poll();
    expect(watch.view(X.fingerprint)).toEqual({
      state: 'suppressed',
      silenced_by: [silence],
      inhibited_by: ['e'.repeat(16)],
      muted_by: ['night'],
      witnessed: true,
      as_of: clock.now(),
    });
  });

  test('absent when all answer and none shows it; else unknown', async () => {
    expect(await stateOf(GONE)).toBe('absent');
    b.answer('reset');
    expect(await stateOf(GONE)).toBe('unknown');
    a.show(X);
    expect(await stateOf(X.fingerprint)).toBe('active');
  });

  test('of other receivers it is not asked', async () => {
    a.show({ ...X, receivers: ['humans'] });
    expect(await stateOf(X.fingerprint)).toBe('absent');
  });

  test('absence is witnessed by a process that showed it, and no longer after its restart', async () => {
    a.show(X);
    await watch.poll();
    a.show();
    await watch.poll();
    expect(watch.view(X.fingerprint)).toMatchObject({ state: 'absent', witnessed: true });
    a.restart(clock.now());
    await watch.poll();
    expect(watch.view(X.fingerprint)).toMatchObject({ state: 'absent', witnessed: false });
  });

  test('without an Alertmanager everything is unknown', async () => {
    const off = build([]);
    expect(off.configured).toBe(false);
    expect(await off.recheck(X.fingerprint, 0, AbortSignal.timeout(1_000))).toMatchObject({
      state: 'unknown',
    });
    expect(off.blind()).toEqual([]);
    expect(counted).toEqual([]);
  });
});

describe('silences', () => {
  test('of autoheal never count; their authors are asked for once', async () => {
    const ours = a.silence('autoheal');
    a.show({ ...X, silenced_by: [ours] });
    for (let n = 0; n < 3; n += 1) expect(await stateOf(X.fingerprint)).toBe('active');
    expect(watch.view(X.fingerprint)?.silenced_by).toEqual([]);
    expect(a.count(`/silence/${ours}`)).toBe(1);
  });

  test('of somebody else besides ours, an inhibition besides ours: suppressed', async () => {
    const ours = a.silence('autoheal');
    const silence = a.silence('ann');
    a.show({ ...X, silenced_by: [ours, silence] });
    expect(await stateOf(X.fingerprint)).toBe('suppressed');
    expect(watch.view(X.fingerprint)?.silenced_by).toEqual([silence]);
    a.show({ ...X, silenced_by: [ours], inhibited_by: ['e'.repeat(16)] });
    expect(await stateOf(X.fingerprint)).toBe('suppressed');
  });

  test('of nobody known, gone meanwhile: suppressed, and asked for again', async () => {
    const gone = 'aaaaaaaa-0000-4000-8000-000000000000';
    a.show({ ...X, silenced_by: [gone] });
    expect(await stateOf(X.fingerprint)).toBe('suppressed');
    await watch.poll();
    expect(a.count(`/silence/${gone}`)).toBe(2);
  });
});

describe('rechecks', () => {
  test('a thousand at once make one question', async () => {
    a.show(X);
    const signal = AbortSignal.timeout(10_000);
    const seen = await Promise.all(
      Array.from({ length: 1_000 }, () => watch.recheck(X.fingerprint, 5_000, signal)),
    );
    expect(new Set(seen.map(({ state }) => state))).toEqual(new Set(['active']));
    expect(a.count('/alerts')).toBe(1);
  });

  test('the last poll answers while it is young enough', async () => {
    const signal = AbortSignal.timeout(10_000);
    await watch.recheck(X.fingerprint, 0, signal);
    await clock.advance(5_000);
    await watch.recheck(X.fingerprint, 5_000, signal);
    expect(a.count('/alerts')).toBe(1);
    expect((await watch.recheck(X.fingerprint, 4_999, signal)).as_of).toBe(clock.now());
    expect(a.count('/alerts')).toBe(2);
  });

  test('a poll under way that began too early is waited for, then one more serves all', async () => {
    const signal = AbortSignal.timeout(10_000);
    const gate = a.hold();
    const early = watch.poll();
    await until('the first poll asks', () => a.requests.length === 1, SOON);
    await clock.advance(1_000);
    const rechecks = [0, 0, 500].map((age_ms) => watch.recheck(GONE, age_ms, signal));
    gate.open();
    await early;
    const seen = await Promise.all(rechecks);
    expect(seen.map(({ as_of }) => as_of)).toEqual([clock.now(), clock.now(), clock.now()]);
    expect(a.count('/alerts')).toBe(2);
  });

  test('who aborts does not wait, and the others get their answer', async () => {
    const gate = a.hold();
    const abort = new AbortController();
    const mine = watch.recheck(GONE, 0, abort.signal);
    const other = watch.recheck(GONE, 0, AbortSignal.timeout(10_000));
    abort.abort(new Error('enough'));
    await expect(mine).rejects.toThrow('enough');
    gate.open();
    expect((await other).state).toBe('absent');
  });
});

describe('blind', () => {
  test('after two failures in a row, or one that lasts; not after one; over with an answer', async () => {
    watch = build([a.url]);
    a.answer({ status: 503, body: '"limit"' });
    await watch.poll();
    expect(watch.blind()).toEqual([]);
    await clock.advance(30_001);
    expect(watch.blind()).toHaveLength(1);
    a.answer(undefined);
    await watch.poll();
    expect(watch.blind()).toEqual([]);
    a.answer('reset');
    await watch.poll();
    await watch.poll();
    expect(watch.blind()).toEqual([expect.stringContaining(a.url)]);
    expect(counted).toEqual(['failed', 'at 0', 'ok', 'failed', 'failed']);
    expect(logged.map(({ level }) => level)).toEqual(['warn', 'info', 'warn']);
  });

  test('one of a pair is enough to see by; without both it is blind', async () => {
    a.answer('reset');
    await watch.poll();
    await watch.poll();
    expect(watch.blind()).toEqual([]);
    b.answer('reset');
    await watch.poll();
    await watch.poll();
    expect(watch.blind()).toEqual([expect.stringContaining(a.url), expect.stringContaining(b.url)]);
  });

  test('a Prometheus that is configured and silent; a Watchdog that stays away', async () => {
    let missing: readonly string[] = [];
    const prometheus: PromAlerts = {
      configured: true,
      firing: () => Promise.reject(new Error('no route')),
    };
    watch = build([], { prometheus, missing: () => missing });
    await watch.poll();
    await watch.poll();
    expect(watch.blind()).toEqual(['Prometheus has not answered for 0 s: no route']);
    missing = ['the Watchdog has not come for 10 min'];
    expect(watch.blind()).toHaveLength(2);
    expect(counted).toEqual(['failed', 'failed']);
  });

  test('hanging up at the end is no failure of theirs', async () => {
    a.answer('hang');
    const poll = watch.poll();
    await until('it asks', () => a.requests.length === 1, SOON);
    watch.close();
    await poll;
    expect(logged).toEqual([]);
  });
});
