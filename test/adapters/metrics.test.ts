import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createMetrics, type ServedMetrics } from '../../src/adapters/metrics.ts';
import { WATCHED_LIMITS } from '../../src/adapters/metrics-limits.ts';
import { GUARD_WORDS } from '../../src/core/healing/guard-words.ts';
import type { Scrape } from '../../src/adapters/metrics-scrape.ts';

const PROMTOOL = '/usr/bin/promtool';
const NOTHING: Scrape = {
  store_up: true,
  inbox_deliveries: 0,
  inbox_oldest_at: null,
  remediations: { ready: 0, waiting: 0, acting: 0, verifying: 0, escalating: 0, done: 0 },
  leases: 0,
};

function metrics(scrape: () => Promise<Scrape> = async () => NOTHING): ServedMetrics {
  return createMetrics({
    version: '0.1.0',
    actions: ['restart_container', 'set_flag'],
    backends: ['docker'],
    scrape,
    scrape_timeout_ms: 50,
  });
}

/** The samples of the page by their full name with labels. */
async function samples(of: ServedMetrics): Promise<Map<string, number>> {
  const lines = (await of.render()).split('\n').filter((line) => line !== '' && line[0] !== '#');
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

test.skipIf(!existsSync(PROMTOOL))('promtool has nothing to say about the page', async () => {
  const page = await metrics().render();
  const { status, stdout, stderr } = spawnSync(PROMTOOL, ['check', 'metrics'], { input: page });
  expect(stdout.toString() + stderr.toString()).toBe('');
  expect(status).toBe(0);
});

test('every counter and histogram of ours stands at 0 for every label set from the start', async () => {
  const page = await samples(metrics());
  function of(name: string): readonly unknown[] {
    return [...page.keys()].filter((key) => key.startsWith(name));
  }
  expect(of('autoheal_remediations_total{')).toHaveLength(2 * 5 * 2);
  expect(of('autoheal_action_attempts_total{')).toHaveLength(2 * 3);
  expect(of('autoheal_guard_verdicts_total{')).toHaveLength(GUARD_WORDS.length * 2);
  expect(of('autoheal_remediation_outcomes_total{')).toHaveLength(5);
  expect(of('autoheal_webhook_request_duration_seconds_count{')).toHaveLength(5 * 2);
  expect(of('autoheal_audit_write_seconds_count{')).toHaveLength(2);
  expect(of('autoheal_heartbeats_total{')).toHaveLength(2);
  expect(of('autoheal_alerts_total{')).toHaveLength(6);
  expect(of('autoheal_reverts_total{')).toHaveLength(3);
  const counted = [...page].filter(([key]) =>
    /^autoheal_\w+_(total|bucket|count|sum)(\{|$)/.test(key),
  );
  expect(counted.filter(([, value]) => value !== 0)).toEqual([]);
});

test('the edges hold the thresholds of the SLOs, and none is whole', async () => {
  const page = [...(await samples(metrics())).keys()];
  function edges(name: string): ReadonlySet<string | undefined> {
    const buckets = page.filter((key) => key.startsWith(`${name}_bucket`));
    return new Set(buckets.map((key) => /le="([^"]+)"/.exec(key)?.[1]));
  }
  expect(edges('autoheal_webhook_request_duration_seconds')).toContain('0.25');
  expect(edges('autoheal_audit_write_seconds')).toContain('0.1');
  for (const edge of edges('autoheal_webhook_request_duration_seconds')) {
    if (edge !== '+Inf') expect(Number.isInteger(Number(edge))).toBe(false);
  }
});

test('each call reaches its series', async () => {
  const made = metrics();
  made.heartbeat();
  made.webhook('accepted', 0.003, true);
  made.remediation('set_flag', 'success', false);
  made.attempt('set_flag', 'chaos');
  made.auditWrite('ok', 0.02, 7);
  made.auditWrite('error', 0.02, 5);
  made.guard('cooldown', 'wait');
  made.remediationDone('healed', 'ai-errors');
  made.harmSuspected('undoing');
  made.revert('left_alone');
  made.alerts('late_duplicate');
  made.deliveryParked();
  made.authDenied('role');
  made.rulesReload(true, 1_700_000_000_000, 4, ['ai-errors', 'ai-slow']);
  made.rulesReload(false, 1_800_000_000_000, 4);
  made.watchdog(1_700_000_001_000);
  made.chaos(true, 1_700_000_002_000);
  made.breaker('docker', 'open');
  made.backendCall('docker', 'refused', 0.03);
  made.store('read', 0.09);
  made.rateLimited('sign_in');
  made.auditVerified(1_700_000_003_000);
  made.auditVerified(null);
  const page = await samples(made);
  expect(Object.fromEntries([...page].filter(([key]) => EXPECTED.has(key)))).toEqual(
    Object.fromEntries(EXPECTED),
  );
});

const EXPECTED = new Map([
  ['autoheal_heartbeats_total{drill="false"}', 1],
  ['autoheal_webhook_request_duration_seconds_count{outcome="accepted",drill="true"}', 1],
  ['autoheal_remediations_total{action="set_flag",outcome="success",drill="false"}', 1],
  ['autoheal_action_attempts_total{action="set_flag",result="chaos"}', 1],
  ['autoheal_audit_write_seconds_count{result="ok"}', 1],
  ['autoheal_audit_write_seconds_count{result="error"}', 1],
  ['autoheal_audit_entries_total', 7],
  ['autoheal_guard_verdicts_total{guard="cooldown",verdict="wait"}', 1],
  ['autoheal_remediation_outcomes_total{outcome="healed"}', 1],
  ['autoheal_rule_remediations_total{rule="ai-errors",outcome="healed"}', 1],
  ['autoheal_rule_remediations_total{rule="ai-slow",outcome="refused"}', 0],
  ['autoheal_harm_suspected_total{kind="undoing"}', 1],
  ['autoheal_harm_suspected_total{kind="new_alert"}', 0],
  ['autoheal_reverts_total{result="left_alone"}', 1],
  ['autoheal_alerts_total{event="late_duplicate"}', 1],
  ['autoheal_deliveries_parked_total', 1],
  ['autoheal_auth_denied_total{reason="role"}', 1],
  ['autoheal_auth_denied_total{reason="no_token"}', 0],
  ['autoheal_rules_last_reload_successful', 0],
  ['autoheal_rules_last_reload_timestamp_seconds', 1_700_000_000],
  ['autoheal_rules_loaded', 4],
  ['autoheal_watchdog_last_received_timestamp_seconds', 1_700_000_001],
  ['autoheal_chaos_enabled', 1],
  ['autoheal_chaos_expires_timestamp_seconds', 1_700_000_002],
  ['autoheal_breaker_state{backend="docker",state="open"}', 1],
  ['autoheal_breaker_state{backend="docker",state="closed"}', 0],
  ['autoheal_backend_call_seconds_count{backend="docker",result="refused"}', 1],
  ['autoheal_backend_call_seconds_count{backend="docker",result="unavailable"}', 0],
  ['autoheal_store_seconds_bucket{le="0.1",op="read"}', 1],
  ['autoheal_store_seconds_bucket{le="0.05",op="read"}', 0],
  ['autoheal_store_seconds_count{op="claim"}', 0],
  ['autoheal_rate_limited_total{limit="sign_in"}', 1],
  ['autoheal_rate_limited_total{limit="api"}', 0],
  ['autoheal_audit_chain_ok', 0],
  ['autoheal_audit_breaks_total', 1],
  ['autoheal_audit_verified_timestamp_seconds', 1_700_000_003],
  [`autoheal_build_info{version="0.1.0",node="${process.version}"}`, 1],
]);

test('the end of chaos takes its date away', async () => {
  const made = metrics();
  made.chaos(true, 1_700_000_002_000);
  made.chaos(false, 1_700_000_002_000);
  expect((await samples(made)).get('autoheal_chaos_expires_timestamp_seconds')).toBe(0);
});

test('the store is asked at a scrape, once for all who ask at the same time', async () => {
  let asked = 0;
  const made = metrics(async () => {
    asked += 1;
    return {
      ...NOTHING,
      inbox_deliveries: 3,
      inbox_oldest_at: 1_700_000_000_000,
      remediations: { ...NOTHING.remediations, waiting: 2 },
      leases: 1,
    };
  });
  const [page] = await Promise.all([samples(made), samples(made)]);
  expect(asked).toBe(1);
  expect(page.get('autoheal_inbox_deliveries')).toBe(3);
  expect(page.get('autoheal_inbox_oldest_timestamp_seconds')).toBe(1_700_000_000);
  expect(page.get('autoheal_remediations{state="waiting"}')).toBe(2);
  expect(page.get('autoheal_leases')).toBe(1);
});

test('a store that fails or hangs costs its gauges only, and says so', async () => {
  const answers = [
    Promise.resolve({ ...NOTHING, leases: 5 }),
    Promise.reject(new Error('locked')),
    Promise.withResolvers<Scrape>().promise,
  ];
  answers[1]?.catch(() => {});
  const made = metrics(() => answers.shift() ?? Promise.resolve(NOTHING));
  await made.render();
  await made.render();
  const page = await samples(made);
  expect(page.get('autoheal_leases')).toBe(5);
  expect(page.get('autoheal_scrape_failures_total')).toBe(2);
  expect(page.get('autoheal_store_up')).toBe(0);
  expect((await samples(made)).get('autoheal_store_up')).toBe(1);
});

test('what stands is looked up at a scrape; what cannot be looked up keeps its last values', async () => {
  const waits = { ready: null, acting: null, verifying: null, escalating: null };
  const looks = [
    async () => ({
      waits: { ...waits, waiting: 1_700_000_000_000, lease: 1_700_000_001_000 },
      approvals: 2,
      holds: { hold: 1, ack: 0, quarantine: 3 },
      commits_waiting: 17,
      disk_free_bytes: 5e9,
      database_bytes: 4096,
    }),
    () => Promise.reject(new Error('locked')),
  ];
  const made = createMetrics({
    version: '0.1.0',
    actions: [],
    backends: [],
    scrape: async () => NOTHING,
    standing: () => looks.shift()?.() ?? Promise.withResolvers<never>().promise,
    scrape_timeout_ms: 50,
  });
  const expected = {
    'autoheal_remediation_oldest_timestamp_seconds{state="waiting"}': 1_700_000_000,
    'autoheal_remediation_oldest_timestamp_seconds{state="ready"}': 0,
    autoheal_lease_oldest_timestamp_seconds: 1_700_000_001,
    autoheal_approvals_waiting: 2,
    'autoheal_holds{kind="quarantine"}': 3,
    autoheal_store_commits_waiting: 17,
    autoheal_disk_free_bytes: 5e9,
    autoheal_database_bytes: 4096,
  };
  for (const what of ['there', 'failed', 'hangs'])
    expect([what, Object.fromEntries(await samples(made))]).toMatchObject([what, expected]);
});

test('a store that answers and takes no writes is down', async () => {
  const page = await samples(metrics(async () => ({ ...NOTHING, store_up: false, leases: 2 })));
  expect(page.get('autoheal_store_up')).toBe(0);
  expect(page.get('autoheal_leases')).toBe(2);
});

test('each limit stands at 0, is read at a scrape, and never leaves 0 to 1', async () => {
  const made = metrics();
  const first = await samples(made);
  for (const limit of WATCHED_LIMITS)
    expect(first.get(`autoheal_limit_used_ratio{limit="${limit}"}`)).toBe(0);
  made.watchLimit('inbox', () => 0.25);
  made.watchLimit('sockets', async () => 7);
  made.retained('audit', 3);
  const page = await samples(made);
  expect(page.get('autoheal_limit_used_ratio{limit="inbox"}')).toBe(0.25);
  expect(page.get('autoheal_limit_used_ratio{limit="sockets"}')).toBe(1);
  expect(page.get('autoheal_limit_used_ratio{limit="worker"}')).toBe(0);
  expect(page.get('autoheal_retention_rows_total{table="audit"}')).toBe(3);
});

test('the process is seen, by chosen series', async () => {
  const page = await samples(metrics());
  expect(page.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  expect(page.get('process_cpu_seconds_total')).toBeGreaterThan(0);
  expect(page.get('process_start_time_seconds')).toBeGreaterThan(1.7e9);
});

test.each(['metrics', 'guards', 'reconcile'])(
  'docs/%s.md names no series that is not on the page',
  (name) => {
    const text = readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8');
    const named = [...text.matchAll(/`((?:autoheal|process|nodejs)_\w+)/g)].map(
      ([, one = '']) => one,
    );
    const known = new Set(metrics().names());
    expect(named.filter((one) => !known.has(one))).toEqual([]);
    expect(named.length).toBeGreaterThan(0);
  },
);
