import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { renderRules } from '../../scripts/slo-rules.ts';
import { parseSlos } from '../../src/core/slo.ts';
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
    env: { AUTOHEAL_CHAOS_FAILURE_RATE: '10', AUTOHEAL_CHAOS_SEED: SEED },
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
function createTraffic(autoheal: Autoheal): () => Promise<void> {
  let next = 0;
  return async () => {
    const startsAt = new Date().toISOString();
    const alerts = Array.from({ length: BATCH }, () => ({
      status: 'firing',
      labels: { alertname: 'Flip', flag: `f${next++}` },
      startsAt,
      endsAt: '0001-01-01T00:00:00Z',
    }));
    const body = { version: '4', status: 'firing', alerts };
    expect((await autoheal.api('/webhook', { body })).status).toBe(202);
  };
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
    const post = createTraffic(autoheal);
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
    const counted = await burnFast(autoheal, 'action_success');
    expect(counted).toMatchObject({ source: 'audit' });
    expect(counted?.value).toBeGreaterThan(14.4);

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
    for (const slo of ['availability', 'webhook_latency', 'action_success', 'audit_latency'])
      expect(await burnFast(autoheal, slo)).toMatchObject({ source: 'prometheus', reason: null });
  });
});
