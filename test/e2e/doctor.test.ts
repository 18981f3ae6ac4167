import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { startAlertmanager } from '../real/alertmanager.ts';
import { type Autoheal, type AutohealOptions, startAutoheal } from '../real/autoheal.ts';
import { dockerHost } from '../real/engine.ts';
import { haveParts } from '../real/parts.ts';
import { freePort } from '../real/ready.ts';
import { startPrometheus } from '../real/prometheus.ts';
import { until } from '../real/until.ts';

/** `autoheal doctor` as people and programs run it, on installations that are sound, ill and broken. */
const ROOT = join(import.meta.dirname, '../..');
const TOKEN = 'webhook-token-of-the-doctor';
const run = promisify(execFile);

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

interface Found {
  readonly check: string;
  readonly status: string;
  readonly what: string;
  readonly fix: string | null;
}
interface Result {
  readonly code: number;
  readonly stdout: string;
}
type Env = Readonly<Record<string, string>>;

async function doctor(env: Env, args: readonly string[] = []): Promise<Result> {
  const command = [join(ROOT, 'bin/autoheal.js'), 'doctor', ...args];
  const options = { env: { PATH: process.env['PATH'] ?? '', ...env }, cwd: tmpdir() };
  try {
    return { code: 0, ...(await run(process.execPath, command, options)) };
  } catch (error) {
    return error as Result;
  }
}
async function findings(env: Env): Promise<{ code: number; status: string; lines: string[] }> {
  const { code, stdout } = await doctor(env, ['--json']);
  const report = JSON.parse(stdout) as { status: string; findings: Found[] };
  const lines = report.findings.map((one) => `${one.check} ${one.status}: ${one.what}`);
  for (const one of report.findings)
    if (['warn', 'fail'].includes(one.status)) expect(one.fix, one.what).toMatch(/\w/);
  return { code, status: report.status, lines };
}

async function service(options: AutohealOptions): Promise<Autoheal> {
  const autoheal = await startAutoheal(options);
  undo.push(() => autoheal.dispose());
  return autoheal;
}
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'autoheal-doctor-'));
  undo.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}
/** What nothing is configured for, and where no engine or service of this machine is found. */
async function alone(): Promise<Record<string, string>> {
  return {
    AUTOHEAL_DATABASE_URL: `sqlite:${join(folder(), 'autoheal.db')}`,
    AUTOHEAL_DOCKER_HOST: 'unix:///nowhere/docker.sock',
    AUTOHEAL_URL: `http://127.0.0.1:${await freePort()}`,
  };
}

function alertmanagerConfig(url: string): string {
  return JSON.stringify({
    route: {
      receiver: 'human',
      routes: [
        {
          matchers: ['autoheal=~".+"'],
          receiver: 'autoheal',
          group_by: ['...'],
          repeat_interval: '5m',
        },
      ],
    },
    receivers: [
      { name: 'human' },
      {
        name: 'autoheal',
        webhook_configs: [
          {
            url: `${url}/webhook`,
            http_config: { follow_redirects: false, authorization: { credentials: TOKEN } },
          },
        ],
      },
    ],
  });
}
const RULES = {
  groups: [
    {
      name: 'doctor',
      rules: [
        { record: 'autoheal:burn_fast', expr: 'vector(0)' },
        { alert: 'AIErrorRateHigh', expr: 'vector(0) > 1', labels: { autoheal: 'ai-errors' } },
      ],
    },
  ],
};

describe.skipIf(!haveParts('docker', 'busybox', 'prometheus', 'alertmanager'))(
  'a real installation',
  () => {
    test('is asked part by part, and each part that is not as it should be is named', async () => {
      const env = { AUTOHEAL_WEBHOOK_TOKEN: TOKEN, AUTOHEAL_API_TOKEN: `${TOKEN}-of-the-api` };
      const autoheal = await service({ rules: join(ROOT, 'rules'), env });
      const alertmanager = await startAlertmanager({ config: alertmanagerConfig(autoheal.url) });
      undo.push(() => alertmanager.stop());
      const prometheus = await startPrometheus({
        rules: JSON.stringify(RULES),
        alertmanager: alertmanager.url,
        targets: [{ job: 'autoheal', address: new URL(autoheal.url).host }],
      });
      undo.push(() => prometheus.stop());
      await until(
        'Prometheus has scraped autoheal and found its Alertmanager',
        async () => {
          const answer = await fetch(`${prometheus.url}/api/v1/alertmanagers`);
          const known = (await answer.text()).includes(new URL(alertmanager.url).host);
          return known && (await prometheus.query('up{job="autoheal"} == 1')).length === 1;
        },
        { timeout_ms: 30_000 },
      );
      const all = {
        ...env,
        AUTOHEAL_DATABASE_URL: `sqlite:${join(autoheal.folder, 'data/autoheal.db')}`,
        AUTOHEAL_URL: autoheal.url,
        AUTOHEAL_DOCKER_HOST: dockerHost(),
        AUTOHEAL_PROMETHEUS_URL: prometheus.url,
        AUTOHEAL_ALERTMANAGER_URL: alertmanager.url,
      };
      const { code, status, lines } = await findings(all);
      expect({ code, status }).toEqual({ code: 1, status: 'fail' });
      for (const expected of [
        /^tokens ok: 1 for the webhook, 1 for the API/,
        /^rules ok: (\d+) of \1 rules enabled/,
        /^database ok: .* is in use/,
        /^service ok: .* is ready/,
        /^docker ok: Docker \d+/,
        /^docker ok: tested: ping, version, list/,
        // The rules that need it name their targets by templates, and no cluster is configured.
        /^kubernetes warn: .*kube-pod-crash-looping/,
        /^prometheus ok: Prometheus \d+/,
        /^prometheus fail: it keeps 15d/,
        /^prometheus warn: --web\.enable-lifecycle is on/,
        /^prometheus ok: it scrapes job autoheal \(1 target\)/,
        /^prometheus ok: it sends alerts to http/,
        /^prometheus warn: the recording rules autoheal:burn_slow are not loaded/,
        /^prometheus ok: defined and labelled for their rules: .*AIErrorRateHigh \(rule ai-errors\)/,
        /^prometheus warn: no rule of this Prometheus defines .*ImportBacklogGrowing \(rule import-backlog\)/,
        /^alertmanager ok: Alertmanager \d+/,
      ])
        expect(lines).toContainEqual(expect.stringMatching(expected));
      expect(lines.filter((line) => line.startsWith('alertmanager fail'))).toEqual([]);
      expect(lines.filter((line) => line.includes('clock'))).toEqual([]);
      expect(lines.filter((line) => /\bfail:/.test(line))).toHaveLength(1);
      expect(JSON.stringify(lines)).not.toContain(TOKEN);
    });
  },
);

describe('an installation', () => {
  test('whose configuration does not read: every problem, code 2, nothing else looked at', async () => {
    const { code, lines } = await findings({ AUTOHEAL_PORT: 'ninety', AUTOHEAL_MOOD: 'auto' });
    expect(code).toBe(2);
    expect(lines).toHaveLength(2);
    expect(lines).toContainEqual(
      expect.stringMatching(/^configuration fail: AUTOHEAL_PORT=ninety/),
    );
  });

  test('that needs nothing outside works: code 0, and what is not needed is no failure', async () => {
    const rules = folder();
    cpSync(join(ROOT, 'rules/ai-errors.yaml'), join(rules, 'ai-errors.yaml'));
    const { code, lines } = await findings({ ...(await alone()), AUTOHEAL_RULES: rules });
    expect(code).toBe(0);
    expect(lines).toContain('rules ok: 1 of 1 rules enabled, no policy');
    expect(lines).toContainEqual(expect.stringMatching(/^docker warn: .*no enabled rule needs it/));
    expect(lines).toContainEqual(expect.stringMatching(/^prometheus skip: /));
  });

  test('with a bad rule: the place, a caret and what to write, for people, without colours', async () => {
    const rules = folder();
    writeFileSync(
      join(rules, 'a.yaml'),
      'name: a\nsummary: x\nmatchers: [\'alertname="A"\']\nsteps: [{ action: set_flga }]\n',
    );
    const { code, stdout } = await doctor({ ...(await alone()), AUTOHEAL_RULES: rules });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^fail {2}rules [^]*a\.yaml:4:\d+: [^]*\^+\n[^]*fix: [^]*set_flag/m);
    expect(stdout).toMatch(/\d+ ok, \d+ warnings, 1 failures, \d+ skipped\n$/);
    expect(stdout).not.toContain('\u001B');
  });

  test('after kill -9 the database still opens, and doctor changes nothing in it', async () => {
    const autoheal = await service({ rules: join(ROOT, 'rules') });
    await autoheal.kill9();
    const path = join(autoheal.folder, 'data/autoheal.db');
    const before = [readFileSync(path), readFileSync(`${path}-wal`)];
    const env = { ...(await alone()), AUTOHEAL_DATABASE_URL: `sqlite:${path}` };
    expect((await findings(env)).lines).toContain(`database ok: ${path} opens`);
    expect([readFileSync(path), readFileSync(`${path}-wal`)]).toEqual(before);
    await autoheal.restart();
    expect((await autoheal.api('/health/readiness')).status).toBe(200);
  });
});
