import { z } from 'zod';
import { AutohealError } from '../core/errors.ts';
import type { HttpDeps } from './deps.ts';
import { ok, route, type Answer, type Call } from './route.ts';
import { Components } from './status.ts';

const Health = z.strictObject({
  status: z.enum(['ok', 'degraded']),
  version: z.string(),
  uptime_seconds: z.number(),
  components: Components,
  memory: z.strictObject({ rss_bytes: z.number(), heap_used_bytes: z.number() }),
  disk: z.strictObject({ free_bytes: z.number().nullable() }),
});
const Ok = z.strictObject({ status: z.literal('ok') });
const OK = { 200: { description: 'Yes; otherwise 503 with the reasons', schema: Ok } };

type OpenCall = Call<object, undefined>;

function probe(path: string, summary: string, handle: (call: OpenCall) => Promise<Answer>) {
  return route({ method: 'GET', path, access: 'open', summary, answers: OK, handle });
}

/** Open to everybody: whoever watches autoheal needs no token of it. */
export const HEALTH_ROUTES = [
  route({
    method: 'GET',
    path: '/health',
    access: 'open',
    summary: 'How it is, part by part. 200 also when a part is degraded: it still serves.',
    answers: { 200: { description: 'The state of each part', schema: Health } },
    handle: health,
  }),
  probe('/health/liveness', 'Is the worker loop alive? If not, restart autoheal.', liveness),
  probe('/health/readiness', 'Can it take alerts: database and rules?', readiness),
  probe('/health/startup', 'Are the first load and the recovery through?', startup),
  probe('/-/healthy', "As /health/liveness, by Prometheus's name.", liveness),
  probe('/-/ready', "As /health/readiness, by Prometheus's name.", readiness),
  route({
    method: 'GET',
    path: '/metrics',
    access: 'open',
    summary: 'The series for Prometheus; docs/reference/metrics.md lists them.',
    answers: { 200: { description: 'The text format of Prometheus', text: ['text/plain'] } },
    handle: metrics,
  }),
];

async function health({ deps }: OpenCall): Promise<Answer> {
  const [status, resources] = await Promise.all([
    deps.reporter.status(),
    deps.reporter.resources(),
  ]);
  return ok({
    status: status.status,
    version: status.version,
    uptime_seconds: status.uptime_seconds,
    components: status.components,
    memory: {
      rss_bytes: resources.rss_bytes,
      heap_used_bytes: resources.heap_used_bytes,
    },
    disk: { free_bytes: resources.disk_free_bytes },
  });
}

async function liveness({ deps }: OpenCall): Promise<Answer> {
  return yes(deps.reporter.live(), () => notLive());
}

function notLive(): AutohealError {
  return new AutohealError('not_live', 'the worker loop has not come round for too long');
}

async function readiness({ deps }: OpenCall): Promise<Answer> {
  const { ready, reasons } = await deps.reporter.readiness();
  return yes(ready, () => new AutohealError('not_ready', reasons.join('; '), { reasons }));
}

async function startup({ deps }: OpenCall): Promise<Answer> {
  return yes(
    deps.reporter.started(),
    () => new AutohealError('not_started', 'the first load and the recovery are under way'),
  );
}

function yes(is: boolean, otherwise: () => AutohealError): Answer {
  if (is) return ok({ status: 'ok' });
  throw otherwise();
}

async function metrics({ deps }: OpenCall): Promise<Answer> {
  return textAnswer(await deps.metrics.render(), deps.metrics);
}

function textAnswer(text: string, { content_type }: HttpDeps['metrics']): Answer {
  return { status: 200, text, headers: { 'content-type': content_type } };
}
