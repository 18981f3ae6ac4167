import { createHash } from 'node:crypto';
import autocannon from 'autocannon';

/** One burst of the same body again and again, made by a process of its own so that it does not share the server's event loop. */
export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly alerts: number;
  readonly duration_s: number;
}
export interface Measured {
  readonly requests_per_second: number;
  readonly p99_ms: number;
  readonly sent: number;
  readonly not_202: number;
}

/** A body as Alertmanager 0.25 sends it: about 1 KB for one alert. */
export function bodyOf(alerts: number, mark: string): string {
  const list = Array.from({ length: alerts }, (_, n) => ({
    status: 'firing',
    labels: {
      alertname: 'BenchAlert',
      thing: `${mark}-${n}`,
      instance: 'crm-api-7f9c:8080',
      job: 'crm-api',
      severity: 'page',
      autoheal: 'bench',
    },
    annotations: {
      summary: 'The endpoint does not answer.',
      description: 'No answer on the TCP port for more than thirty seconds, seen from two probes.',
      runbook_url: 'https://runbooks.example.com/endpoint-down',
      sent_ms: String(performance.timeOrigin + performance.now()),
    },
    fingerprint: fingerprintOf(`${mark}-${n}`),
    startsAt: '2026-01-01T00:00:00.000Z',
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL:
      'http://prometheus.example.com:9090/graph?g0.expr=probe_success+%3D%3D+0&g0.tab=1',
  }));
  return JSON.stringify({
    receiver: 'autoheal',
    status: 'firing',
    alerts: list,
    groupLabels: { alertname: 'BenchAlert' },
    commonLabels: { alertname: 'BenchAlert', job: 'crm-api' },
    commonAnnotations: {},
    externalURL: 'http://alertmanager.example.com:9093',
    version: '4',
    groupKey: '{}:{alertname="BenchAlert"}',
    truncatedAlerts: 0,
  });
}

/** Any 16 hex digits that differ from alert to alert; Alertmanager's own come from the labels. */
function fingerprintOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

async function measure(load: Load): Promise<Measured> {
  const result = await autocannon({
    url: load.url,
    connections: load.connections,
    duration: load.duration_s,
    requests: [
      {
        method: 'POST',
        path: '/webhook',
        headers: { 'content-type': 'application/json', 'user-agent': 'Alertmanager/0.25.0' },
        body: bodyOf(load.alerts, 'same'),
      },
    ],
  });
  return {
    requests_per_second: result.requests.total / result.duration,
    p99_ms: result.latency.p99,
    sent: result.requests.total,
    not_202: result.non2xx + result.errors,
  };
}

if (process.argv[1] === import.meta.filename)
  process.stdout.write(JSON.stringify(await measure(JSON.parse(process.argv[2] ?? '{}') as Load)));
