import { request } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { parseSlos } from '../../src/core/slo/openslo.ts';
import { renderRules } from '../../src/core/slo/rules.ts';
import { type Autoheal, startAutoheal } from '../real/autoheal.ts';
import { haveParts } from '../real/parts.ts';
import { type Prometheus, startPrometheus } from '../real/prometheus.ts';
import { until } from '../real/until.ts';

/**
 * An hour is 30 s, five minutes are the 5 s that a rate needs, `for: 2m` is 1 s. Of a fresh installation's
 * hour only what has data counts: at 10 % failures, 72 % of it make 14.4x, so the page comes after some 22 s.
 */
const TIME_SCALE = 120;
const FILE = 'prometheus/slos.yaml';
const FLAGS = 4_000;
/** Alerts of one delivery; some ten deliveries come in the short window. */
const BATCH = 10;
const PAUSE_MS = 400;
/** Its draws fail in more than 10 of 100 from the 300th on. */
const SEED = '6';
const SLOW_MS = 300;
const SLOW_POSTS = 4;
const REFUSED_POSTS = 5;
/** All events of an objective, as they are scraped. */
const TOTALS: Readonly<Record<string, string>> = {
  webhook_latency:
    'autoheal_webhook_request_duration_seconds_count{outcome!~"rejected_.+",drill="false"}',
  action_success: 'autoheal_remediations_total{outcome=~"success|failure|timeout",drill="false"}',
  audit_latency: 'autoheal_audit_write_seconds_count',
};
const SOON = { timeout_ms: 60_000, every_ms: PAUSE_MS };
const RULE = `
name: flip
summary: Flips the flag that the alert names.
matchers: ['alertname="Flip"', 'flag=~".+"']
steps:
  - action: set_flag
    with: { flag: '{{ labels.flag }}', value: true }
    verify: { within: 5m, resolved: true }
guard: { cooldown: 0s, limit: ['1000/1h'] }
`;
const ALERTS = [
  'AutohealAvailabilityBurnFast',
  'AutohealFailureRateBurnFast',
  'AutohealErrorBudgetBurnFast',
];

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function startService(): Promise<Autoheal> {
  const rules = mkdtempSync(join(tmpdir(), 'autoheal-burn-'));
  undo.push(() => rmSync(rules, { recursive: true, force: true }));
  writeFileSync(join(rules, 'flip.yaml'), RULE);
  const flags = Array.from({ length: FLAGS }, (_, n) => `  f${n}: { default: false }`);
  const autoheal = await startAutoheal({
    rules,
    policy: `flags:\n${flags.join('\n')}\n`,
    env: {
      AUTOHEAL_CHAOS_FAILURE_RATE: '10',
      AUTOHEAL_CHAOS_SEED: SEED,
      AUTOHEAL_SELF_PROBE: '5s',
    },
  });
  undo.push(() => autoheal.dispose());
  return autoheal;
}

async function startScraping(autoheal: Autoheal): Promise<Prometheus> {
  const { slos } = parseSlos(FILE, readFileSync(join(import.meta.dirname, '../..', FILE), 'utf8'));
  if (slos === undefined) throw new Error(`${FILE} has problems`);
  const prometheus = await startPrometheus({
    rules: renderRules(slos, { time_scale: TIME_SCALE }),
    targets: [{ job: 'autoheal', address: new URL(autoheal.url).host }],
  });
  undo.push(() => prometheus.stop());
  return prometheus;
}

/** One delivery of alerts, each for a flag that none had before: nothing waits for another. */
function createTraffic(autoheal: Autoheal): { post(): Promise<void>; posted(): number } {
  let [next, posted] = [0, 0];
  async function post(): Promise<void> {
    const startsAt = new Date().toISOString();
    const alerts = Array.from({ length: BATCH }, () => ({
      status: 'firing',
      labels: { alertname: 'Flip', flag: `f${next++}` },
      startsAt,
      endsAt: '0001-01-01T00:00:00Z',
    }));
    const body = { version: '4', status: 'firing', alerts };
    expect((await autoheal.api('/webhook', { body })).status).toBe(202);
    posted += 1;
  }
  return { post, posted: () => posted };
}

/** A sender so slow that its delivery is not accepted within 250 ms of its arrival. */
async function postSlowly(autoheal: Autoheal): Promise<void> {
  const body = JSON.stringify({ version: '4', status: 'firing', alerts: [] });
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const post = request(`${autoheal.url}/webhook`, { method: 'POST', headers }, (answer) => {
    answer.resume();
    resolve(answer.statusCode);
  });
  post.on('error', reject);
  post.write(body.slice(0, 10));
  await pause(SLOW_MS);
  post.end(body.slice(10));
  expect(await promise).toBe(202);
}

/** Deliveries that are slow, which is ours to answer for, and such that are refused, which is not. */
async function postBadly(autoheal: Autoheal): Promise<void> {
  for (let n = 0; n < SLOW_POSTS; n += 1) await postSlowly(autoheal);
  for (let n = 0; n < REFUSED_POSTS; n += 1)
    expect((await autoheal.api('/webhook', { body: { no: 'webhook' } })).status).toBe(400);
}

interface Count {
  readonly bad: number;
  readonly total: number;
}
interface Item {
  readonly slo: string;
  readonly windows: readonly (Count & { readonly window: string; readonly covered: number })[];
}

/** What the service counted of an objective since its database began. */
async function counted(autoheal: Autoheal, of: string): Promise<Count> {
  const { body } = await autoheal.api('/api/v1/slo');
  const { items } = body as { items: readonly Item[] };
  const found = items.find(({ slo }) => slo === of)?.windows.find(({ window }) => window === '30d');
  if (found === undefined) throw new Error(`no objective ${of}`);
  return found;
}

/** Everything counted has been scraped, and the rules that record it have run since. */
async function agreed(autoheal: Autoheal, prometheus: Prometheus, slo: string): Promise<Count> {
  return until(
    `Prometheus agrees on ${slo}`,
    async () => {
      const own = await counted(autoheal, slo);
      const all = `autoheal:slo_total:rate30d{slo="${slo}",drill="false"}`;
      const good = `autoheal:slo_good:rate30d{slo="${slo}",drill="false"}`;
      const scraped = (await value(prometheus, `sum(${TOTALS[slo] ?? ''})`)) ?? 0;
      const error = (await value(prometheus, `1 - ${good} / ${all}`)) ?? 1;
      return own.total > 0 && near(own.total, scraped) && near(own.bad / own.total, error)
        ? own
        : undefined;
    },
    SOON,
  );
}

/** It delivers to itself, and none of that is a delivery to anybody else. */
async function probed(autoheal: Autoheal, prometheus: Prometheus): Promise<void> {
  await until(
    'a probe of its own',
    async () => ((await value(prometheus, 'autoheal_self_probe_total{result="ok"}')) ?? 0) > 0,
    SOON,
  );
  const failed = 'sum(autoheal_self_probe_total{result!="ok"})';
  expect(await value(prometheus, failed)).toBe(0);
  const { body } = await autoheal.api('/');
  expect(body).toMatchObject({ components: { self_probe: { status: 'ok' } } });
  const { body: list } = await autoheal.api('/api/v1/deliveries?limit=1000');
  const { items } = list as { items: readonly { source: string }[] };
  expect(items.map(({ source }) => source)).not.toContain('autoheal');
}

/** Within 1 % of each other. */
function near(one: number, other: number): boolean {
  return Math.abs(one - other) <= 0.01 * Math.max(one, other);
}

/** Fast alerts on the success of steps; how quick this machine's disk is says nothing here. */
async function firing(prometheus: Prometheus): Promise<readonly (string | undefined)[]> {
  const found = await prometheus.query(
    `ALERTS{alertname=~"${ALERTS.join('|')}",slo="action_success",alertstate="firing"}`,
  );
  return found.map(({ labels }) => labels['alertname']);
}

async function value(prometheus: Prometheus, expr: string): Promise<number | undefined> {
  return (await prometheus.query(expr))[0]?.value;
}

interface BurnFast {
  readonly value: number;
  readonly source: string;
}

/** What the service itself says. */
async function burnFast(autoheal: Autoheal, of: string): Promise<BurnFast | undefined> {
  const { body } = await autoheal.api('/api/v1/slo');
  const { items } = body as { items: readonly { slo: string; burn_fast: BurnFast }[] };
  return items.find(({ slo }) => slo === of)?.burn_fast;
}

describe.skipIf(!haveParts('prometheus'))('burn rates', () => {
  test('10 % injected failures page as AutohealFailureRateBurnFast, which resolves when they end', async () => {
    const autoheal = await startService();
    const prometheus = await startScraping(autoheal);
    const { post, posted } = createTraffic(autoheal);
    await until(
      'a first scrape, so that no event comes before it',
      async () =>
        (await value(prometheus, 'count(autoheal_webhook_request_duration_seconds_count)')) ??
        undefined,
      SOON,
    );
    await postBadly(autoheal);
    const alerts = await until(
      'a page',
      async () => {
        await post();
        const found = await firing(prometheus);
        return found.length > 0 ? found : undefined;
      },
      SOON,
    );
    expect(alerts).toEqual(['AutohealFailureRateBurnFast']);
    await until(
      'the recorded burn says so too',
      async () => {
        await post();
        return ((await value(prometheus, 'autoheal:burn_fast{slo="action_success"}')) ?? 0) > 14.4;
      },
      SOON,
    );
    const webhook = await agreed(autoheal, prometheus, 'webhook_latency');
    expect(webhook.bad).toBeGreaterThanOrEqual(SLOW_POSTS);
    await probed(autoheal, prometheus);
    expect(webhook.total).toBe(posted() + SLOW_POSTS);
    const steps = await agreed(autoheal, prometheus, 'action_success');
    expect(steps.bad / steps.total).toBeGreaterThan(0.07);
    await agreed(autoheal, prometheus, 'audit_latency');
    // Without a Prometheus it says so itself. Of its real hour there is data for less than a minute.
    expect(await burnFast(autoheal, 'action_success')).toMatchObject({ source: 'store' });

    await autoheal.restart({
      AUTOHEAL_CHAOS_FAILURE_RATE: '0',
      AUTOHEAL_PROMETHEUS_URL: prometheus.url,
    });
    await until(
      'no page, because steps succeed: not because nothing is scraped',
      async () => {
        await post();
        const good = await value(prometheus, 'autoheal:slo_good:rate5m{slo="action_success"}');
        const bad = await value(prometheus, 'autoheal:slo_error:ratio5m{slo="action_success"}');
        return (good ?? 0) > 0 && bad === 0 && (await firing(prometheus)).length === 0;
      },
      SOON,
    );
    // The restart took nothing away: what was counted before it is still there, with what came since.
    const after = await counted(autoheal, 'action_success');
    expect(after.bad).toBe(steps.bad);
    expect(after.total).toBeGreaterThan(steps.total);
    for (const slo of ['availability', 'webhook_latency', 'action_success', 'audit_latency'])
      expect(await burnFast(autoheal, slo)).toMatchObject({ source: 'prometheus', reason: null });
  });
});
