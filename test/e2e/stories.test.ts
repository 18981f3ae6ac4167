import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAlertmanager } from '../real/alertmanager.ts';
import { type Autoheal, startAutoheal } from '../real/autoheal.ts';
import { dockerClient, dockerHost, removeContainers } from '../real/engine.ts';
import { freePort } from '../real/ready.ts';
import { haveParts } from '../real/parts.ts';
import { startProcess } from '../real/process.ts';
import { type Prometheus, startPrometheus } from '../real/prometheus.ts';
import { until } from '../real/until.ts';
import { createWorkers, DEMO, execIn, runningWorkers, startCrmApi, startQueue } from './demo.ts';

/**
 * The three stories of the main job, with the shipped rules, on a real Prometheus, a real Alertmanager and a real
 * Docker engine, each a process of its own.
 */
const ROOT = join(import.meta.dirname, '../..');
const NETWORK = 'stories-net';
const WEBHOOK_TOKEN = 'webhook-token-of-the-stories';
const API_TOKEN = 'api-token-of-the-stories';
const VIEWER_TOKEN = 'viewer-token-of-the-stories';
const LONG = { timeout_ms: 60_000 };

const RULES = {
  groups: [
    {
      name: 'stories',
      rules: [
        {
          alert: 'TcpEndpointDownFast',
          expr: 'up{job="crm-api"} == 0',
          labels: { service: 'crm-api', container: 'crm-api' },
        },
        {
          alert: 'ImportBacklogGrowing',
          expr: 'queue_depth{queue="q_import"} > 200',
          labels: { service: 'import' },
        },
        {
          alert: 'AIErrorRateHigh',
          expr: 'rate(ai_probe_errors_total[5s]) > 1',
          labels: { service: 'ai-coach' },
        },
      ],
    },
  ],
};

function alertmanagerConfig(autoheal_url: string): string {
  const hook = {
    url: `${autoheal_url}/webhook`,
    send_resolved: true,
    http_config: { follow_redirects: false, authorization: { credentials: WEBHOOK_TOKEN } },
  };
  return JSON.stringify({
    route: {
      receiver: 'autoheal',
      group_by: ['...'],
      group_wait: '0s',
      group_interval: '1s',
      repeat_interval: '1m',
    },
    receivers: [{ name: 'autoheal', webhook_configs: [hook] }],
  });
}

interface Entry {
  readonly kind: string;
  readonly reason: string | null;
  readonly result: string | null;
  readonly target: string | null;
  readonly cmd: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

describe.skipIf(!haveParts('docker', 'busybox', 'prometheus', 'alertmanager'))(
  'the main job',
  () => {
    const undo: (() => unknown)[] = [];
    let autoheal: Autoheal;
    let prometheus: Prometheus;
    let crm_port: number;
    let queue_port: number;
    let coach_port: number;

    beforeAll(async () => {
      [crm_port, queue_port, coach_port] = [await freePort(), await freePort(), await freePort()];
      autoheal = await startAutoheal({
        rules: join(ROOT, 'rules'),
        env: {
          AUTOHEAL_DOCKER_HOST: dockerHost(),
          AUTOHEAL_WEBHOOK_TOKEN: WEBHOOK_TOKEN,
          AUTOHEAL_API_TOKEN: `${API_TOKEN},viewer:${VIEWER_TOKEN}`,
        },
      });
      undo.push(() => autoheal.dispose());
      const alertmanager = await startAlertmanager({ config: alertmanagerConfig(autoheal.url) });
      undo.push(() => alertmanager.stop());
      prometheus = await startPrometheus({
        rules: JSON.stringify(RULES),
        alertmanager: alertmanager.url,
        targets: [
          { job: 'autoheal', address: new URL(autoheal.url).host },
          { job: 'crm-api', address: `127.0.0.1:${crm_port}` },
          { job: 'queue', address: `127.0.0.1:${queue_port}`, path: '/cgi-bin/metrics' },
          { job: 'ai-coach', address: `127.0.0.1:${coach_port}` },
        ],
      });
      undo.push(() => prometheus.stop());
      const network = await dockerClient().createNetwork({ Name: NETWORK });
      undo.push(() => network.remove());
      undo.push(() => removeContainers(dockerClient(), `autoheal-test=${DEMO}`));
    });
    afterAll(async () => {
      for (const step of undo.toReversed()) await step();
    });

    async function audit(alertname: string, kind?: string): Promise<readonly Entry[]> {
      const kinds = kind === undefined ? '' : `&kind=${kind}`;
      const headers = { authorization: `Bearer ${VIEWER_TOKEN}` };
      const answer = await autoheal.api(`/api/v1/audit?order=asc&alertname=${alertname}${kinds}`, {
        headers,
      });
      expect(answer.status).toBe(200);
      return (answer.body as { items: Entry[] }).items;
    }

    async function audited(alertname: string, kind: string): Promise<Entry> {
      return until(
        `${kind} of ${alertname} is in the audit log`,
        async () => (await audit(alertname, kind))[0],
        LONG,
      );
    }

    /** The story of one alert, without what depends on how often Alertmanager repeats. */
    async function story(alertname: string): Promise<readonly string[]> {
      return (await audit(alertname)).map((entry) => entry.kind);
    }

    async function counted(series: string): Promise<void> {
      await until(
        `${series} is counted`,
        async () => ((await prometheus.query(series))[0]?.value ?? 0) >= 1,
        LONG,
      );
    }

    test('a hung container is restarted, is healthy, and the alert resolves', async () => {
      const crm = await startCrmApi(dockerClient(), crm_port);
      await until(
        'Prometheus scrapes it',
        async () => (await prometheus.query('up{job="crm-api"} == 1')).length > 0,
        LONG,
      );
      const before = (await crm.inspect()).State.StartedAt;
      await execIn(crm, 'killall', 'httpd');
      const ok = await audited('TcpEndpointDownFast', 'action_ok');
      expect(ok.cmd).toBe('docker restart crm-api');
      const after = (await crm.inspect()).State.StartedAt;
      expect(Date.parse(after)).toBeGreaterThan(Date.parse(before));
      expect(ok.detail['evidence']).toMatchObject({ started_before: before, started_after: after });
      await audited('TcpEndpointDownFast', 'verify_ok');
      await audited('TcpEndpointDownFast', 'alert_resolved');
      const done = await audited('TcpEndpointDownFast', 'remediation_done');
      expect(done).toMatchObject({ result: 'healed', reason: 'verified' });
      expect((await story('TcpEndpointDownFast')).slice(0, 4)).toEqual([
        'alert_firing',
        'decision_run',
        'action_start',
        'action_ok',
      ]);
      expect(await story('TcpEndpointDownFast')).toHaveLength(7);
      await until(
        'the container is healthy',
        async () => (await crm.inspect()).State.Health?.Status === 'healthy',
        LONG,
      );
      await counted(
        'autoheal_remediations_total{action="restart_container",outcome="success",drill="false"}',
      );
    });

    test('a backlog gets workers, drains, and the workers go again', async () => {
      const docker = dockerClient();
      await startQueue(docker, queue_port, NETWORK);
      await createWorkers(docker, 4, 1, NETWORK);
      await until(
        'the queue answers',
        async () =>
          (await get(`http://127.0.0.1:${queue_port}/cgi-bin/metrics`)).includes('queue_depth'),
        LONG,
      );
      await get(`http://127.0.0.1:${queue_port}/cgi-bin/add?400`);
      const ok = await audited('ImportBacklogGrowing', 'action_ok');
      expect(ok.target).toBe('compose/shop/import-worker');
      expect(await runningWorkers(docker)).toBe(3);
      await audited('ImportBacklogGrowing', 'alert_resolved');
      await audited('ImportBacklogGrowing', 'remediation_done');
      const reverted = await audited('ImportBacklogGrowing', 'revert_ok');
      expect(reverted).toMatchObject({ result: 'reverted', reason: 'resolved' });
      expect(await runningWorkers(docker)).toBe(1);
      expect((await story('ImportBacklogGrowing')).toSorted()).toEqual(
        [
          'alert_firing',
          'decision_run',
          'action_start',
          'action_ok',
          'alert_resolved',
          'verify_ok',
          'remediation_done',
          'revert_ok',
        ].toSorted(),
      );
      await counted(
        'autoheal_remediations_total{action="scale_workers",outcome="success",drill="false"}',
      );
      await counted('autoheal_reverts_total{result="ok"}');
    });

    test('AI errors switch to heuristics, the application sees it, and it goes back after', async () => {
      const coach = await startProcess({
        name: 'ai-coach',
        program: process.execPath,
        args: [
          join(import.meta.dirname, 'ai-coach.ts'),
          `${coach_port}`,
          autoheal.url,
          VIEWER_TOKEN,
        ],
        log_file: join(autoheal.folder, 'ai-coach.log'),
      });
      undo.push(() => coach.stop());
      const url = `http://127.0.0.1:${coach_port}`;
      const answers = async () => JSON.parse(await get(`${url}/answer`)) as unknown;
      await until('the application is up', answers, LONG);
      expect(await answers()).toEqual({ heuristics_only: false, error: null });
      await get(`${url}/break`);
      await until(
        'it answers by heuristics',
        async () => ((await answers()) as { heuristics_only: boolean }).heuristics_only,
        LONG,
      );
      const headers = { authorization: `Bearer ${VIEWER_TOKEN}` };
      const flag = await autoheal.api('/api/v1/flags/heuristics-only', { headers });
      expect(flag.body).toMatchObject({
        key: 'heuristics-only',
        value: true,
        lease: { rule: 'ai-errors' },
      });
      await get(`${url}/fix`);
      await until(
        'it asks the AI again',
        async () => !((await answers()) as { heuristics_only: boolean }).heuristics_only,
        LONG,
      );
      expect(await audited('AIErrorRateHigh', 'revert_ok')).toMatchObject({
        result: 'reverted',
        reason: 'resolved',
      });
      expect(await audited('AIErrorRateHigh', 'remediation_done')).toMatchObject({
        result: 'healed',
      });
      await counted(
        'autoheal_remediations_total{action="set_flag",outcome="success",drill="false"}',
      );
    });

    test('the chain over all three stories verifies', async () => {
      const headers = { authorization: `Bearer ${VIEWER_TOKEN}` };
      const answer = await autoheal.api('/api/v1/audit/verify', { headers });
      expect(answer.body).toMatchObject({ ok: true });
    });
  },
);

/** One look with an end: a connection that hangs is tried again, not waited for. */
async function get(url: string): Promise<string> {
  return (await fetch(url, { signal: AbortSignal.timeout(3_000) })).text();
}
