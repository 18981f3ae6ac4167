import { rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import type { Running } from '../real/process.ts';
import { temporaryFolder } from '../real/ready.ts';
import { until } from '../real/until.ts';
import { type Ending, endingOf } from './check.ts';
import { CRASH_RULES } from './rules.ts';
import { send, type Sent } from './sender.ts';
import { openService, type Service } from './service.ts';

/** Processes side by side; most of a run is waiting. */
const AT_ONCE = 3;
/** Fewer points than this, and the scenario does not do what it says. */
const POINTS_MIN = 40;
/** A run that does not end: its point keeps dying, or something is stuck. */
const RUN_TIMEOUT_MS = 30_000;
const SOON = { timeout_ms: RUN_TIMEOUT_MS, every_ms: 10 };
const FLAG = 'crash-flag';
/** Points that must be among them. */
const KINDS = ['before a commit', 'after a commit'].concat(
  ['begin', 'effect', 'end'].map((what) => `before ${what} of restart`),
);

const cache = temporaryFolder('cache');
afterAll(() => rmSync(cache, { recursive: true, force: true }));

interface Result {
  /** The point it died at, in words; undefined when there was none. */
  readonly died: string | undefined;
  readonly problems: readonly string[];
}

test('killed at every point: nothing accepted is lost, nothing is done twice, everything is undone', async () => {
  // The first run alone: it leaves compiled code to those that follow.
  expect(await runKilledAt(0)).toEqual({ died: undefined, problems: [] });
  let next = 1;
  let done = false;
  const problems: string[] = [];
  const died: string[] = [];
  async function take(): Promise<void> {
    while (!done) {
      const at = next++;
      const result = await runKilledAt(at);
      if (result.died !== undefined) died.push(result.died);
      problems.push(...result.problems.map((one) => `point ${at} (${result.died}): ${one}`));
      done ||= result.died === undefined || result.problems.length > 0;
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, take));
  expect(problems).toEqual([]);
  expect(died.length).toBeGreaterThan(POINTS_MIN);
  expect(died).toEqual(expect.arrayContaining(KINDS));
  console.log(`killed at each of ${died.length} points`);
}, 300_000);

/** The scenario on a database of its own; the first process dies at the point, the next ones live. */
async function runKilledAt(at: number): Promise<Result> {
  const policy = `flags: { ${FLAG}: { default: false, summary: A flag of the crash test. } }\n`;
  const service = await openService({ rules: CRASH_RULES, policy, cache });
  const diedAt = () => /^killed at point \d+: (.*)$/m.exec(service.log())?.[1];
  try {
    const stop = await supervise(service, { CRASH_AT: String(at) });
    const alerts = ['Restart', 'Ladder'].map((name) => alert(name, `thing-${name}`));
    alerts.push(alert('Flag', FLAG));
    const deliveries = new Set(await scenario(service, alerts));
    const asked = await until('the API answers', () => askedOf(service), SOON);
    await stop();
    const ending = await endingOf(service, { deliveries, alerts });
    return { died: diedAt(), problems: [...asked, ...ending.broken, ...unexpected(ending)] };
  } catch (error) {
    return { died: diedAt(), problems: [`${String(error)}\n${service.log().slice(-2_000)}`] };
  } finally {
    await service.dispose();
  }
}

/** What the service itself says is wrong: the chain, or a flag that did not go on once and off once. */
async function askedOf(service: Service): Promise<readonly string[]> {
  const verified = await service.api('/api/v1/audit/verify');
  const changed = await service.api(`/api/v1/audit?kind=flag_changed&target=flag/${FLAG}`);
  const { items } = changed.body as { items: { detail: { to: unknown } }[] };
  // Newest first.
  const values = items.map(({ detail }) => detail.to).join();
  return [
    ...((verified.body as { ok: boolean }).ok ? [] : ['the chain does not verify']),
    ...(values === 'false,true' ? [] : [`the flag became, newest first: ${values}`]),
  ];
}

/**
 * Starts the process again, without a point to die at, when it has died.
 * @returns what stops it, and waits until what a kill in the end left has been started once more.
 */
async function supervise(
  service: Service,
  env: Readonly<Record<string, string>>,
): Promise<() => Promise<void>> {
  const first = await service.spawn(env);
  async function goOn(): Promise<Running | undefined> {
    const { signal } = await first.ended;
    return signal === 'SIGKILL' ? service.spawn() : undefined;
  }
  const going_on = goOn();
  return async () => {
    await first.stop();
    const second = await going_on;
    if (second === undefined) return;
    await service.ready(second);
    await second.stop();
  };
}

function alert(alertname: string, thing: string): Sent {
  return { alertname, thing, starts_at: Date.now() - 1_000 };
}

/** Each alert fires and gets its treatment; then all resolve. @returns the accepted deliveries. */
async function scenario(service: Service, alerts: readonly Sent[]): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(RUN_TIMEOUT_MS);
  const accepted: string[] = [];
  for (const one of alerts) {
    accepted.push(await send(service, 'firing', [one], signal));
    const goal = one.alertname === 'Flag' ? 'verifying' : 'done';
    await untilState(service, one.alertname, goal);
  }
  accepted.push(await send(service, 'resolved', alerts, signal));
  for (const one of alerts) await untilState(service, one.alertname, 'done');
  await until('no lease is left', () => metricIs(service, 'autoheal_leases', 0), SOON);
  return accepted;
}

function untilState(service: Service, alertname: string, state: string): Promise<boolean> {
  return until(
    `${alertname} is ${state}`,
    async () => {
      const answer = await service.api(`/api/v1/remediations?alertname=${alertname}`);
      const { items } = answer.body as { items: { state: string }[] };
      return items.length > 0 && items.every((row) => row.state === state);
    },
    SOON,
  );
}

async function metricIs(service: Service, name: string, value: number): Promise<boolean> {
  const text = String((await service.api('/metrics')).body);
  return text.includes(`\n${name} ${value}\n`);
}

/** Beyond the promises: nobody hurried here, so each story has the end that its rule is for. */
function unexpected({ stories, journal }: Ending): readonly string[] {
  const ends = [...stories.values()].map(
    ({ thing, remediations: [row] }) => `${thing}: ${row?.outcome} ${row?.reason}`,
  );
  const wanted = [
    'thing-Restart: healed verified',
    'thing-Ladder: escalated unhealthy',
    `${FLAG}: healed verified`,
  ];
  const restarts = journal.filter(({ what, action }) => what === 'effect' && action === 'restart');
  return [
    ...wanted.filter((end) => !ends.includes(end)).map((end) => `not ${end}, but ${ends.join()}`),
    ...(restarts.length === 2 ? [] : [`${restarts.length} restarts instead of 2`]),
  ];
}
