import { z } from 'zod';
import type { StatusView } from '../engine/api.ts';
import { ok, route } from './route.ts';
import { NullableTime, PauseItem, pauseView } from './views.ts';

export const Components = z.record(
  z.string(),
  z.strictObject({ status: z.enum(['ok', 'degraded', 'off']), detail: z.string() }),
);
const Chaos = z.strictObject({
  enabled: z.boolean(),
  failure_rate_pct: z.number(),
  ends_at: NullableTime,
});
const Status = z.strictObject({
  status: z.enum(['ok', 'degraded']),
  version: z.string(),
  uptime_seconds: z.number(),
  mode: z.enum(['auto', 'dry-run', 'paused']),
  pause: PauseItem.nullable(),
  chaos: Chaos,
  otel: z.strictObject({ enabled: z.boolean() }),
  oidc: z.strictObject({ enabled: z.boolean() }),
  rules: z
    .strictObject({
      version: z.string(),
      loaded: z.int(),
      enabled: z.int(),
      last_reload_ok: z.boolean(),
    })
    .nullable(),
  budget: z.strictObject({ spent: z.boolean(), enforced: z.boolean(), detail: z.string() }),
  priority: z.strictObject({
    enabled: z.boolean(),
    read_at: NullableTime,
    services: z.int(),
    problem: z.string().nullable(),
  }),
  components: Components,
});

export const STATUS_ROUTES = [
  route({
    method: 'GET',
    path: '/',
    access: 'viewer',
    summary: 'What this autoheal is and how it is.',
    answers: { 200: { description: 'The status', schema: Status } },
    handle: async ({ deps }) => ok(statusView(await deps.reporter.status())),
  }),
  route({
    method: 'GET',
    path: '/api/v1/chaos',
    access: 'viewer',
    summary: 'Are failures injected on purpose, how many, until when?',
    answers: { 200: { description: 'The state', schema: Chaos } },
    handle: async ({ deps }) => ok((await deps.reporter.status()).chaos),
  }),
];

function statusView(status: StatusView): object {
  return { ...status, pause: status.pause && pauseView(status.pause) };
}
