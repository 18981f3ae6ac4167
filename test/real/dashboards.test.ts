import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Autoheal, startAutoheal } from './autoheal.ts';
import { ask, type Answer, type PanelQuery, panelQueries } from './panels.ts';
import { haveParts } from './parts.ts';
import { freePort } from './ready.ts';
import { until } from './until.ts';
import { startWatched, type Watched } from './watched.ts';

/**
 * Every query of every panel against a live Prometheus with the rules that ship, which scrapes a live autoheal at
 * work, the demo and its probes: none fails, none is empty, none is NaN.
 */
const VARIABLES = { job: 'autoheal', __range: '1m', __rate_interval: '15s' };
/** What the traffic has to have done, or zeros alone would fill the panels. */
const DONE = [
  ...['healed', 'escalated', 'refused', 'dry_run'].map(
    (outcome) => `sum(autoheal_remediation_outcomes_total{outcome="${outcome}"}) > 0`,
  ),
  'autoheal_rule_remediations_total{rule="b-escalates", outcome="escalated"} > 0',
  'sum(autoheal_action_attempts_total{result="chaos"}) > 0',
  'sum(autoheal_remediations_total{drill="true", outcome="success"}) > 0',
  'sum(autoheal_webhook_request_duration_seconds_count{drill="true"}) > 0',
  'sum(autoheal_reverts_total{result="ok"}) > 0',
  'ALERTS{alertname="ImportBacklogGrowing", alertstate="firing", autoheal="import-backlog"}',
];
/** Panels that may be empty, and why. */
const MAY_BE_EMPTY: Readonly<Record<string, string>> = {
  'Since a drill last passed':
    'no drill writes its series yet; until then the panel says so in words',
};
const INTERVAL_S = 1;
const TIMEOUT_MS = 40_000;
const FLAGS = 400;
/** One of three steps fails on purpose. */
const CHAOS_PCT = '30';

const RULES: Readonly<Record<string, string>> = {
  'a-heals': `
name: a-heals
summary: Flips the flag that the alert names, and sees at once that it helped.
matchers: ['alertname="Flip"', 'flag=~".+"']
steps:
  - action: set_flag
    with: { flag: '{{ labels.flag }}', value: true }
    lease: 30m
    verify: { within: 1m, promql: 'vector(1) == 1' }
guard: { cooldown: 0s, limit: ['1000/1h'] }
`,
  'b-escalates': `
name: b-escalates
summary: Flips a flag and sees that it did not help.
matchers: ['alertname="Hopeless"', 'flag=~".+"']
steps:
  - action: set_flag
    with: { flag: '{{ labels.flag }}', value: true }
    verify: { within: 1s, promql: 'vector(1) == 2' }
guard: { cooldown: 0s, limit: ['1000/1h'] }
`,
  'c-asks': `
name: c-asks
summary: Asks a person, who says no.
matchers: ['alertname="Ask"', 'flag=~".+"']
mode: approve
steps:
  - action: set_flag
    with: { flag: '{{ labels.flag }}', value: true }
guard: { cooldown: 0s, limit: ['1000/1h'], approval: { from: operator, within: 10m } }
`,
  'd-previews': `
name: d-previews
summary: Says what it would do.
matchers: ['alertname="Preview"', 'flag=~".+"']
mode: dry-run
steps:
  - action: set_flag
    with: { flag: '{{ labels.flag }}', value: true }
guard: { cooldown: 0s, limit: ['1000/1h'] }
`,
};

describe.skipIf(!haveParts('prometheus', 'blackbox'))('the dashboards', () => {
  let autoheal: Autoheal;
  let watched: Watched;
  const rules = mkdtempSync(join(tmpdir(), 'autoheal-dashboards-'));

  beforeAll(async () => {
    for (const [name, text] of Object.entries(RULES))
      writeFileSync(join(rules, `${name}.yaml`), text);
    const port = await freePort();
    const flags = Array.from({ length: FLAGS }, (_, n) => `  f${n}: { default: false }`);
    autoheal = await startAutoheal({
      rules,
      policy: `approvals: { notify: log }\nflags:\n  heuristics-only: { default: false }\n${flags.join('\n')}\n`,
      env: {
        AUTOHEAL_PROMETHEUS_URL: `http://127.0.0.1:${port}`,
        AUTOHEAL_CHAOS_FAILURE_RATE: CHAOS_PCT,
        AUTOHEAL_CHAOS_SEED: '6',
      },
    });
    watched = await startWatched({ port, autoheal: autoheal.url, interval_s: INTERVAL_S });
  }, TIMEOUT_MS);
  afterAll(async () => {
    await watched?.stop();
    await autoheal?.dispose();
    rmSync(rules, { recursive: true, force: true });
  });

  test(
    'each query finds something, and no query finds what is no number',
    async () => {
      // The demo's own alerts fire, each with the rule that is meant to heal it.
      await fetch(`${watched.demo['import-queue']}/add?n=5000`, { method: 'POST' });
      const send = createTraffic(autoheal);
      const found = new Map<PanelQuery, Answer>();
      let pending = panelQueries(VARIABLES);
      expect(pending.length).toBeGreaterThan(50);
      let undone = DONE;
      let missing = '';
      await until(
        'every panel has something to show',
        async () => {
          await send();
          await denyAll(autoheal);
          const asked = await Promise.all(
            pending.map(async (query) => [query, await ask(watched.url, query.expr)] as const),
          );
          for (const [query, answer] of asked) found.set(query, answer);
          pending = pending.filter((query) => !isFull(found.get(query)));
          const left = pending.filter(({ panel }) => MAY_BE_EMPTY[panel] === undefined);
          const done = await Promise.all(undone.map((expr) => ask(watched.url, expr)));
          undone = undone.filter((_expr, at) => done[at]?.now === 0);
          if (left.length === 0 && undone.length === 0) return true;
          missing = [...left.map((query) => line(query, found.get(query))), ...undone].join('\n');
          return undefined;
        },
        { timeout_ms: TIMEOUT_MS, every_ms: 1_000 },
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${missing}`, { cause: error });
      });
      console.log([...found].map(([query, answer]) => line(query, answer)).join('\n'));
      const bad = [...found].filter(
        ([, { error, not_a_number }]) => error !== undefined || not_a_number > 0,
      );
      expect(bad.map(([query, answer]) => line(query, answer))).toEqual([]);
    },
    TIMEOUT_MS + 30_000,
  );

  test('the probes tell a service that is sick from one whose port is dead', async () => {
    const {
      'crm-api': crm = '',
      'ai-coach': coach = '',
      'import-queue': queue = '',
    } = watched.demo;
    await until(
      'every journey is gone to its end',
      async () =>
        (
          await Promise.all([crm, coach, queue].map((url) => probe('http_deep', `${url}/deep`)))
        ).every(Boolean),
      { timeout_ms: 20_000 },
    );
    expect(await probe('http_2xx', `${crm}/ready`)).toBe(true);
    // An answer with 200 that does not say that the whole way was gone.
    expect(await probe('http_2xx', `${crm}/customers`)).toBe(true);
    expect(await probe('http_deep', `${crm}/customers`)).toBe(false);

    await fetch(`${crm}/sicken`, { method: 'POST' });
    expect(await probe('http_2xx', `${crm}/ready`)).toBe(false);
    expect(await probe('http_deep', `${crm}/deep`)).toBe(false);
    expect(await probe('tcp_http', new URL(crm).host)).toBe(true);

    await fetch(`${coach}/break`, { method: 'POST' });
    expect(await probe('http_2xx', `${coach}/health`)).toBe(true);
    expect(await probe('http_deep', `${coach}/deep`)).toBe(false);
  });

  /** What the blackbox exporter says of a target. */
  async function probe(module: string, target: string): Promise<boolean> {
    const query = new URLSearchParams({ module, target });
    const text = await (await fetch(`${watched.blackbox}/probe?${query.toString()}`)).text();
    return /^probe_success 1$/m.test(text);
  }
});

function isFull(answer: Answer | undefined): boolean {
  return answer !== undefined && answer.now > 0 && answer.over_time > 0;
}

function line({ dashboard, panel, expr }: PanelQuery, answer: Answer | undefined): string {
  const { now = 0, over_time = 0, not_a_number = 0, error = '' } = answer ?? {};
  const said = `${error}${not_a_number > 0 ? ` ${not_a_number} not a number` : ''}`;
  return `${now} now, ${over_time} over time${said}  ${dashboard} / ${panel}: ${expr}`;
}

async function denyAll(autoheal: Autoheal): Promise<void> {
  const { body } = await autoheal.api('/api/v1/approvals');
  const { items } = body as { items: readonly { remediation_id: string; plan_hash: string }[] };
  for (const { remediation_id, plan_hash } of items) {
    const path = `/api/v1/remediations/${remediation_id}/deny`;
    const denied = await autoheal.api(path, { body: { plan_hash, reason: 'not now' } });
    expect(denied.status).toBe(200);
  }
}

/** Deliveries of every kind: healed, escalated, refused, previewed, of a drill, taken by no rule; and their resolves. */
function createTraffic(autoheal: Autoheal): () => Promise<void> {
  let next = 0;
  let before: readonly object[] = [];
  function alert(alertname: string, drill = 'false') {
    return {
      status: 'firing',
      labels: { alertname, flag: `f${next++ % FLAGS}`, drill },
      startsAt: new Date().toISOString(),
      endsAt: '0001-01-01T00:00:00Z',
    };
  }
  async function post(alerts: readonly object[]): Promise<void> {
    const body = { version: '4', status: 'firing', alerts };
    expect((await autoheal.api('/webhook', { body })).status).toBe(202);
  }
  return async () => {
    const endsAt = new Date().toISOString();
    const ended = before.map((one) => ({ ...one, status: 'resolved', endsAt }));
    before = ['Flip', 'Flip', 'Flip'].map((name) => alert(name));
    const others = ['Hopeless', 'Ask', 'Preview', 'Unknown'].map((name) => alert(name));
    await post([...before, ...others, ...ended]);
    await post([alert('Flip', 'true'), alert('Flip', 'true')]);
    expect((await autoheal.api('/webhook', { body: 'no webhook body' })).status).toBe(400);
  };
}
