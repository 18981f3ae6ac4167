import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OtlpSink, startOtlpSink } from '../fakes/otlp.ts';
import { type FakePrometheus, startPrometheus, vector } from '../fakes/prometheus.ts';
import { type Receiver, startReceiver } from '../fakes/receiver.ts';
import { type Autoheal, startAutoheal } from '../real/autoheal.ts';
import { until } from '../real/until.ts';

/**
 * Every secret that autoheal is given is planted with a value of its own; a remediation runs whose notifiers
 * fail in the ways that make clients talk (refused with our own request in the answer, a cut connection, nobody
 * there). Then everything that autoheal wrote or says is searched for the values.
 */
const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** By where they are planted. Long enough that none is found by chance, and safe in an address. */
const PLANTED = {
  webhook_token: 'planted-webhook-token-3f1c',
  api_token: 'planted-api-token-77ab',
  viewer_token: 'planted-viewer-token-1d20',
  audit_key: 'planted-audit-key-90ef-32-characters',
  prometheus_password: 'planted-prometheus-password-5b',
  otlp_password: 'planted-otlp-password-c4',
  otlp_header: 'planted-otlp-header-2e',
  slack_path: 'planted-slack-path-B0FF',
  page_path: 'planted-page-path-88',
  bearer: 'planted-bearer-file-6d',
  away_path: 'planted-away-path-41',
  wrong_token: 'planted-token-of-a-stranger-ee',
  sentry_key: 'planted_sentry_key_9a',
  annotation: 'planted-customer-name-c7',
  card: 'planted-card-4111',
} as const;

const RULE = `
name: ai-errors
summary: Tell the chat, switch, tell a human.
matchers: ['alertname="AIErrorRateHigh"']
steps:
  - { action: notify, with: { notifier: chat, message: hello } }
  - { action: notify, with: { notifier: away, message: hello } }
  - action: set_flag
    with: { flag: heuristics-only, value: true }
    lease: 30m
    verify: { within: 10s, promql: 'sum(ai_ok) > 0' }
otherwise: page
`;

const undo: (() => unknown)[] = [];
let sink: OtlpSink;
let prometheus: FakePrometheus;
let receiver: Receiver;
let autoheal: Autoheal;
let env: Readonly<Record<string, string>>;

function withUser(url: string, password: string): string {
  return url.replace('//', `//autoheal:${password}@`);
}

beforeAll(async () => {
  sink = await startOtlpSink();
  undo.push(() => sink.close());
  prometheus = await startPrometheus();
  undo.push(() => prometheus.close());
  prometheus.set('sum(ai_ok) > 0', vector());
  receiver = await startReceiver();
  undo.push(() => receiver.close());
  const folder = mkdtempSync(join(tmpdir(), 'autoheal-secrets-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  function secret(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, `${text}\n`);
    return path;
  }
  mkdirSync(join(folder, 'rules'));
  writeFileSync(join(folder, 'rules/ai-errors.yaml'), RULE);
  env = {
    AUTOHEAL_WEBHOOK_TOKEN: PLANTED.webhook_token,
    AUTOHEAL_API_TOKEN: `${PLANTED.api_token},viewer:${PLANTED.viewer_token}`,
    AUTOHEAL_AUDIT_KEY_FILE: secret('audit', PLANTED.audit_key),
    AUTOHEAL_PROMETHEUS_URL: withUser(prometheus.url, PLANTED.prometheus_password),
    OTEL_EXPORTER_OTLP_ENDPOINT: withUser(sink.url, PLANTED.otlp_password),
    SENTRY_DSN: `http://${PLANTED.sentry_key}@127.0.0.1:1/1`,
    OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${PLANTED.otlp_header}`,
    AUTOHEAL_LOG_LEVEL: 'trace',
  };
  const chat = secret('chat', `${receiver.url}/${PLANTED.slack_path}`);
  const page = secret('page', `${receiver.url}/${PLANTED.page_path}`);
  const away = secret('away', `http://127.0.0.1:1/${PLANTED.away_path}`);
  const bearer = secret('bearer', PLANTED.bearer);
  autoheal = await startAutoheal({
    rules: join(folder, 'rules'),
    policy: [
      'notifiers:',
      `  chat: { format: slack, url_file: ${chat} }`,
      `  away: { url_file: ${away} }`,
      `  page: { url_file: ${page}, bearer_token_file: ${bearer} }`,
      'redact: { annotations: [customer], patterns: ["planted-card-[0-9]+"] }',
    ].join('\n'),
    env,
  });
  undo.push(() => autoheal.dispose());
});
afterAll(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

function as(token: string): { readonly headers: Readonly<Record<string, string>> } {
  return { headers: { authorization: `Bearer ${token}` } };
}

const ALERT = {
  status: 'firing',
  labels: { alertname: 'AIErrorRateHigh', service: 'ai-coach' },
  annotations: { customer: PLANTED.annotation, summary: `It was ${PLANTED.card} that paid` },
  startsAt: new Date(Date.now() - 1_000).toISOString(),
};

/** The answers that make a careless client quote what it sent. */
function makeNotifiersFail(): void {
  const quoting = `no: ${PLANTED.slack_path} ${PLANTED.page_path} Bearer ${PLANTED.bearer}`;
  receiver.answer({ status: 403, body: quoting });
  receiver.answer('reset');
  receiver.answer({ status: 503, body: quoting }, 50);
}

async function remediate(): Promise<void> {
  const body = { version: '4', receiver: 'autoheal', status: 'firing', alerts: [ALERT] };
  const stranger = as(PLANTED.wrong_token);
  expect((await autoheal.api('/webhook', { body, ...stranger })).status).toBe(401);
  expect((await autoheal.api('/api/v1/audit', stranger)).status).toBe(401);
  expect((await autoheal.api('/webhook', { body, ...as(PLANTED.webhook_token) })).status).toBe(202);
  await until(
    'a human could not be told',
    async () => {
      const answer = await autoheal.api('/api/v1/audit?kind=escalated', as(PLANTED.api_token));
      return (answer.body as { items: unknown[] }).items.length > 0;
    },
    { timeout_ms: 60_000 },
  );
}

const READ = [
  '/',
  '/health',
  '/health/readiness',
  '/metrics',
  '/api/v1/audit?limit=1000',
  '/api/v1/alerts',
  '/api/v1/deliveries',
  '/api/v1/remediations',
  '/api/v1/rules',
  '/api/v1/rules/ai-errors',
  '/api/v1/actions',
  '/api/v1/flags',
  '/api/v1/pause',
];

/** What of all this the page of metrics has to know: it is wired to what happens. */
const COUNTED: readonly (readonly [string, RegExp])[] = [
  ['autoheal_http_requests_total{route="/webhook",method="POST",status_class="2xx"}', / 1$/],
  ['autoheal_http_requests_total{route="/webhook",method="POST",status_class="4xx"}', / 1$/],
  ['autoheal_auth_denied_total{reason="wrong_token"}', / 2$/],
  ['autoheal_backend_call_seconds_count{backend="notify",result="refused"}', / [1-9]/],
  ['autoheal_store_seconds_count{op="claim"}', / [1-9]/],
  ['autoheal_store_seconds_count{op="read"}', / [1-9]/],
  ['autoheal_disk_free_bytes', / [1-9]/],
  ['autoheal_database_bytes', / [1-9]/],
];

/** What it says and wrote, by where. */
async function everything(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const path of READ) {
    const answer = await autoheal.api(path, as(PLANTED.api_token));
    expect(answer.status, path).toBe(200);
    found.set(path, `${[...answer.headers].join('\n')}\n${JSON.stringify(answer.body)}`);
  }
  const printed = await run(process.execPath, [join(ROOT, 'bin/autoheal.js'), 'config'], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    cwd: autoheal.folder,
  });
  found.set('autoheal config', printed.stdout + printed.stderr);
  // Stopped, so that what is gathered (refused sign-ins, spans) is written out as well.
  await autoheal.stop();
  for (const file of readdirSync(autoheal.folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    found.set(path, readFileSync(path, 'latin1'));
  }
  found.set('traces', sink.posts.map(({ body }) => body).join('\n'));
  return found;
}

test('no planted secret is in a log, the audit log, an answer, a metric, a trace or the database', async () => {
  makeNotifiersFail();
  await remediate();
  const found = await everything();

  // The secrets were at work, and so was what is searched: else there is nothing to find.
  const posts = receiver.posts.map(({ path, headers }) => `${path} ${headers.authorization ?? ''}`);
  expect(posts).toContain(`/${PLANTED.slack_path} `);
  expect(posts).toContain(`/${PLANTED.page_path} Bearer ${PLANTED.bearer}`);
  expect(prometheus.requests.some(({ headers }) => headers.authorization !== undefined)).toBe(true);
  expect(sink.posts[0]?.headers['x-api-key']).toBe(PLANTED.otlp_header);
  expect(sink.posts[0]?.headers.authorization).toMatch(/^Basic /);
  expect(found.get('/api/v1/audit?limit=1000')).toContain('not_sent');
  const page = (found.get('/metrics') ?? '').replaceAll('\\"', '"');
  for (const [series, value] of COUNTED)
    expect(page.split('\\n').find((line) => line.startsWith(`${series} `))).toMatch(value);
  expect(found.get('/api/v1/alerts')).toContain('It was [redacted] that paid');
  expect(found.get('traces')).toContain('escalate');
  const log = found.get(join(autoheal.folder, 'stdout')) ?? '';
  expect(log).toContain('escalation not delivered');
  expect(found.get(join(autoheal.folder, 'data/autoheal.db'))).toContain('auth_denied');

  for (const [where, text] of found)
    for (const [name, value] of Object.entries(PLANTED)) {
      expect(text.includes(value), `${name} in ${where}`).toBe(false);
      for (const user of ['autoheal:', ':', ''])
        for (const code of ['base64', 'hex'] as const) {
          const coded = Buffer.from(user + value).toString(code);
          expect(text.includes(coded), `${name} as ${code} in ${where}`).toBe(false);
        }
    }
});
