import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type OtlpSink, type SentSpan, startOtlpSink } from '../fakes/otlp.ts';
import { type FakePrometheus, startPrometheus, vector } from '../fakes/prometheus.ts';
import { type Autoheal, startAutoheal } from '../real/autoheal.ts';
import { until } from '../real/until.ts';

/** The service as a process, with a collector that keeps what it is sent. */
const SOON = { timeout_ms: 15_000 };
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SENDER = '00f067aa0ba902b7';
const FINGERPRINT = 'f093fcb54454f809';

const HEALED = 'sum(ai_ok) > 0';

const RULE = `
name: ai-errors
summary: Switch to heuristics.
matchers: ['alertname="AIErrorRateHigh"']
steps:
  - action: set_flag
    with: { flag: heuristics-only, value: true }
    lease: 30m
    verify: { within: 1m, promql: '${HEALED}' }
`;

interface Entry {
  readonly kind: string;
  readonly trace_id: string | null;
  readonly fingerprint: string | null;
  readonly remediation: string | null;
  readonly reason: string | null;
}

const undo: (() => unknown)[] = [];
let sink: OtlpSink;
let prometheus: FakePrometheus;
let autoheal: Autoheal;

beforeEach(async () => {
  sink = await startOtlpSink();
  undo.push(() => sink.close());
  prometheus = await startPrometheus();
  prometheus.set(HEALED, vector('1'));
  undo.push(() => prometheus.close());
});
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  const rules = mkdtempSync(join(tmpdir(), 'autoheal-traces-'));
  undo.push(() => rmSync(rules, { recursive: true, force: true }));
  writeFileSync(join(rules, 'ai-errors.yaml'), RULE);
  autoheal = await startAutoheal({
    rules,
    env: {
      AUTOHEAL_PROMETHEUS_URL: prometheus.url,
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      ...env,
    },
  });
  undo.push(() => autoheal.dispose());
}

async function post(status: 'firing' | 'resolved', traceparent?: string): Promise<void> {
  const labels = { alertname: 'AIErrorRateHigh', service: 'ai-coach' };
  const at = new Date(Date.now() - 1_000).toISOString();
  const endsAt = status === 'resolved' ? new Date().toISOString() : '0001-01-01T00:00:00Z';
  const alert = { status, labels, annotations: {}, startsAt: at, endsAt, fingerprint: FINGERPRINT };
  const body = { version: '4', receiver: 'autoheal', status, alerts: [alert] };
  const headers = traceparent === undefined ? {} : { traceparent };
  expect((await autoheal.api('/webhook', { body, headers })).status).toBe(202);
}

async function audit(): Promise<readonly Entry[]> {
  const answer = await autoheal.api('/api/v1/audit?order=asc&limit=1000');
  return (answer.body as { items: Entry[] }).items;
}

async function audited(kind: string): Promise<void> {
  const seen = async () => (await audit()).some((entry) => entry.kind === kind);
  await until(`an entry ${kind}`, seen, SOON);
}

function only(spans: readonly SentSpan[], name: string): SentSpan {
  const [first, second] = spans.filter((span) => span.name === name);
  if (first === undefined || second !== undefined)
    throw new Error(`not one ${name} in ${spans.map((span) => span.name).join(', ')}`);
  return first;
}

describe('the trace of one remediation', () => {
  test('goes on from the sender, is whole, and is the one that the audit log names', async () => {
    await start();
    expect((await autoheal.api('/')).body).toMatchObject({ otel: { enabled: true } });
    await post('firing', `00-${TRACE}-${SENDER}-01`);
    await audited('verify_ok');
    await post('resolved');
    await audited('revert_ok');
    const entries = (await audit()).filter((entry) => entry.remediation !== null);
    await autoheal.stop();

    const spans = sink.spans().filter((span) => span.trace_id === TRACE);
    const webhook = only(spans, 'webhook');
    const match = only(spans, 'match');
    const remediation = only(spans, 'remediation');
    expect(webhook).toMatchObject({ parent: SENDER, kind: 2 });
    expect(only(spans, 'commit').parent).toBe(webhook.span_id);
    expect(match.parent).toBe(webhook.span_id);
    expect(remediation.parent).toBe(match.span_id);
    for (const name of ['plan', 'action', 'verify', 'revert'])
      expect(only(spans, name).parent, name).toBe(remediation.span_id);
    const guards = spans.filter((span) => span.name === 'guards');
    expect(guards.map((span) => span.attributes['autoheal.verdict'])).toEqual(['allow', 'allow']);
    for (const span of guards) expect(span.parent).toBe(remediation.span_id);

    const flag_calls = spans.filter((span) => span.name === 'call flags');
    expect(flag_calls.map((span) => span.parent)).toEqual(
      ['plan', 'action', 'revert'].map((name) => only(spans, name).span_id),
    );
    const look = only(spans, 'call prometheus');
    expect(look.parent).toBe(only(spans, 'verify').span_id);
    const query = prometheus.requests.find((seen) => seen.headers['traceparent'] !== undefined);
    expect(query?.headers['traceparent']).toBe(`00-${TRACE}-${look.span_id}-01`);

    expect(only(spans, 'action').attributes).toMatchObject({
      'autoheal.alertname': 'AIErrorRateHigh',
      'autoheal.fingerprint': FINGERPRINT,
      'autoheal.rule': 'ai-errors',
      'autoheal.remediation': entries[0]?.remediation,
      'autoheal.step': 1,
      'autoheal.action': 'set_flag',
      'autoheal.targets': ['flag/heuristics-only'],
      'autoheal.chaos': false,
      'autoheal.drill': false,
    });
    expect(remediation.attributes).toMatchObject({ 'autoheal.outcome': 'healed' });
    expect(spans.filter((span) => span.status.code === 2)).toEqual([]);
    expect(new Set(entries.map((entry) => entry.trace_id))).toEqual(new Set([TRACE]));
    expect(autoheal.logs().filter((line) => line['trace_id'] === TRACE)).not.toEqual([]);
  });

  test('begins at the webhook where none was sent, and every entry about the alert has it', async () => {
    await start();
    await post('firing');
    await audited('verify_ok');
    const entries = (await audit()).filter((entry) => entry.fingerprint === FINGERPRINT);
    await autoheal.stop();
    const webhook = only(sink.spans(), 'webhook');
    expect(webhook.parent).toBe('');
    expect(entries.length).toBeGreaterThan(3);
    for (const entry of entries) expect(entry.trace_id, entry.kind).toBe(webhook.trace_id);
  });

  test('survives kill -9 in the middle: who goes on knows its place', async () => {
    prometheus.set(HEALED, vector());
    await start({ OTEL_BSP_SCHEDULE_DELAY: '50' });
    await post('firing', `00-${TRACE}-${SENDER}-01`);
    await until('a look', () => sink.spans().some((span) => span.name === 'verify'), SOON);
    await autoheal.kill9();
    prometheus.set(HEALED, vector('1'));
    await autoheal.restart();
    await audited('verify_ok');
    await autoheal.stop();
    const spans = sink.spans().filter((span) => span.trace_id === TRACE);
    const remediation = only(spans, 'remediation');
    expect(remediation.parent).toBe(only(spans, 'match').span_id);
    const looks = spans.filter((span) => span.name === 'verify');
    expect(looks.length).toBeGreaterThan(1);
    for (const look of looks) expect(look.parent).toBe(remediation.span_id);
  });
});

describe('what does not go well', () => {
  test('a guard that waits tells its reason; a delivery that is refused fails its span', async () => {
    await start();
    await autoheal.api('/api/v1/pause', { body: { reason: 'change freeze' } });
    await post('firing', `00-${TRACE}-${SENDER}-01`);
    await audited('decision_wait');
    const body = { version: '4', alerts: 'none' };
    expect((await autoheal.api('/webhook', { body })).status).toBe(400);
    await autoheal.stop();
    expect(only(sink.spans(), 'guards').attributes).toMatchObject({
      'autoheal.verdict': 'wait',
      'autoheal.reason': 'paused',
    });
    const refused = sink.spans().filter((span) => span.status.code === 2);
    expect(refused.map(({ name, status }) => [name, status.message])).toEqual([
      ['webhook', 'not_a_webhook'],
    ]);
  });

  test('a collector that is away or hangs changes nothing, and the stop does not wait for it', async () => {
    sink.answer('hang');
    await start({ OTEL_BSP_SCHEDULE_DELAY: '50' });
    await post('firing');
    await audited('verify_ok');
    expect((await autoheal.stop()).code).toBe(0);
  });

  test('OTEL_ENABLED=false sends nothing; the sender’s trace is in the audit log all the same', async () => {
    await start({ OTEL_ENABLED: 'false' });
    expect((await autoheal.api('/')).body).toMatchObject({ otel: { enabled: false } });
    await post('firing', `00-${TRACE}-${SENDER}-01`);
    await audited('verify_ok');
    const entries = (await audit()).filter((entry) => entry.fingerprint === FINGERPRINT);
    for (const entry of entries) expect(entry.trace_id).toBe(TRACE);
    await autoheal.stop();
    expect(sink.posts).toEqual([]);
  });
});
