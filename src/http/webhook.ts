import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AutohealError, type ErrorCode } from '../core/errors.ts';
import type { Accepted } from '../engine/api.ts';
import { createSparing } from '../engine/sparing.ts';
import type { WebhookOutcome } from '../ports.ts';
import type { Gate } from './auth.ts';
import { labelsOf, secondsSince } from './counting.ts';
import type { HttpDeps, Limits } from './deps.ts';
import type { RouteInfo } from './route.ts';
import { createProbeMark } from './self-probe.ts';
import { traceOf } from './traceparent.ts';

export const WEBHOOK_PATH = '/webhook';

/** Of an Alertmanager webhook, as far as it is described; what of it can be used says core/alerts/judge.ts. */
export const WebhookBody = z.looseObject({ alerts: z.array(z.looseObject({})) });

/** Declared like every route; served by `registerWebhook`, because it is the hot path. */
export const WEBHOOK: RouteInfo = {
  method: 'POST',
  path: WEBHOOK_PATH,
  access: 'webhook',
  summary: 'Takes an Alertmanager webhook. 202 means: it is on disk.',
  query: {},
  body: WebhookBody,
  answers: {
    202: {
      description: 'Stored. Unmapped alerts are stored too.',
      schema: z.strictObject({
        delivery: z.string(),
        alerts: z.int(),
        unusable: z.array(z.strictObject({ index: z.int(), why: z.string() })),
      }),
    },
  },
};

/** Made once: each delivery is counted by it. */
const DECLARED = labelsOf(WEBHOOK);
const NO_BODY = new Uint8Array();

/** What a refused delivery costs: a metric, and now and then a line in the log. */
export type RefusedDelivery = (request: FastifyRequest, error: AutohealError) => void;

export function registerWebhook(
  app: FastifyInstance,
  deps: HttpDeps,
  gate: Gate,
  admit: Admission,
): void {
  const isProbe = createProbeMark(deps);
  app.route({
    method: WEBHOOK.method,
    url: WEBHOOK_PATH,
    config: { declared: DECLARED },
    bodyLimit: deps.limits.body_bytes,
    onRequest(request, reply, done) {
      request.is_webhook = true;
      request.is_probe = isProbe(request);
      gate.admit(request, 'webhook', WEBHOOK_PATH);
      admit(request, reply);
      done();
    },
    handler(request, reply) {
      void (request.is_probe ? takeProbe : take)(deps, request, reply);
    },
  });
}

/** Answers by itself: a handler that returns a promise has the framework wait for it a second time. */
async function take(deps: HttpDeps, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { headers } = request;
  try {
    const trace = traceOf(headers['traceparent']);
    const accepted = await deps.intake.accept({
      body: request.body instanceof Uint8Array ? request.body : NO_BODY,
      source: sourceOf(headers['user-agent']),
      trace_id: trace?.trace_id ?? null,
      parent_span_id: trace?.span_id ?? null,
    });
    const seconds = secondsSince(request.started_at);
    deps.metrics.webhook('accepted', seconds, accepted.drill);
    deps.metrics.request(DECLARED, 202, seconds);
    reply.code(202).header('content-type', 'application/json; charset=utf-8');
    reply.send(answerOf(accepted));
  } catch (error) {
    reply.send(error);
  }
}

/** The same way, up to the disk; see engine/self-probe.ts. */
async function takeProbe(
  { self_probe }: HttpDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  try {
    await self_probe?.take(request.body instanceof Uint8Array ? request.body : NO_BODY);
    reply.code(202).header('content-type', 'application/json; charset=utf-8');
    reply.send(answerOf({ delivery: 'self-probe', alerts: 1, unusable: [], drill: false }));
  } catch (error) {
    reply.send(error);
  }
}

function answerOf({ delivery, alerts, unusable }: Accepted): string {
  // Nearly every one; an id is a UUID, so there is nothing to escape.
  if (unusable.length === 0) return `{"delivery":"${delivery}","alerts":${alerts},"unusable":[]}`;
  return JSON.stringify({ delivery, alerts, unusable });
}

/* ---------------------------------------------------------------- who sent it */

const SOURCES: readonly (readonly [RegExp, string])[] = [
  [/^alertmanager\//i, 'alertmanager'],
  [/^grafana\b/i, 'grafana'],
  [/^vmalert\b/i, 'vmalert'],
  [/^curl\//i, 'curl'],
  [/^autoheal\b/i, 'autoheal'],
];

/** One word from a short list: a header that a client writes never becomes a value of ours. */
export function sourceOf(user_agent: string | undefined): string {
  if (user_agent === undefined) return 'other';
  return SOURCES.find(([pattern]) => pattern.test(user_agent))?.[1] ?? 'other';
}

/* ---------------------------------------------------------------- bounds */

/** Asked before a body is read. @throws AutohealError `overloaded`. */
export type Admission = (request: FastifyRequest, reply: FastifyReply) => void;

/**
 * Keeps the memory of large bodies bounded while they arrive. A chunked body does not say its size,
 * so it counts as the largest. Small bodies are bounded by the number of sockets and cost nothing here.
 */
export function createAdmission(limits: Limits): Admission {
  let in_flight_bytes = 0;
  return (request, reply) => {
    const bytes = announced(request, limits);
    if (bytes <= limits.small_body_bytes) return;
    // Too large altogether: the body limit answers, and nothing of it is read.
    if (bytes > limits.body_bytes) return;
    if (in_flight_bytes + bytes > limits.bodies_in_flight_bytes) {
      throw new AutohealError('overloaded', 'too many large bodies are arriving at once');
    }
    in_flight_bytes += bytes;
    reply.raw.once('close', () => {
      in_flight_bytes -= bytes;
    });
  };
}

function announced(request: FastifyRequest, limits: Limits): number {
  if (request.headers['transfer-encoding'] !== undefined) return limits.body_bytes;
  return Number(request.headers['content-length'] ?? 0);
}

/* ---------------------------------------------------------------- refusals */

/**
 * Alertmanager sends a refused body again at every group_interval, so the log gets the first of a
 * kind at once and then one line a minute with the count of those left out.
 */
export function createRefusedDelivery(deps: HttpDeps): RefusedDelivery {
  const sparing = createSparing(deps.clock);
  return (request, error) => {
    // Who sent it tells of it.
    if (request.is_probe) return;
    const { code, message: detail } = error;
    deps.metrics.webhook(outcomeOf(code), secondsSince(request.started_at), false);
    const left_out = sparing(code);
    if (left_out === undefined) return;
    const source = sourceOf(request.headers['user-agent']);
    const about = { request_id: request.id, detail, source, code, left_out };
    deps.log.warn(about, 'webhook delivery refused');
  };
}

const AUTH_CODES: ReadonlySet<ErrorCode> = new Set(['unauthorized', 'forbidden', 'loopback_only']);
const OUR_FAULT: ReadonlySet<ErrorCode> = new Set(['internal', 'not_stored']);
const OVERLOAD: ReadonlySet<ErrorCode> = new Set(['overloaded', 'stopping', 'not_ready']);

function outcomeOf(code: ErrorCode): WebhookOutcome {
  if (AUTH_CODES.has(code)) return 'rejected_auth';
  if (OUR_FAULT.has(code)) return 'error';
  return OVERLOAD.has(code) ? 'overloaded' : 'rejected_invalid';
}
