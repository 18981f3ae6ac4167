import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AutohealError, type ErrorCode } from '../core/errors.ts';
import type { SpanPlace } from '../core/trace.ts';
import type { Accepted } from '../engine/api.ts';
import { createSparing } from '../engine/sparing.ts';
import type { WebhookOutcome } from '../ports.ts';
import type { Gate } from './auth.ts';
import type { HttpDeps, Limits } from './deps.ts';
import type { RouteInfo } from './route.ts';

export const WEBHOOK_PATH = '/webhook';

/** Declared like every route; served by `registerWebhook`, because it is the hot path. */
export const WEBHOOK: RouteInfo = {
  method: 'POST',
  path: WEBHOOK_PATH,
  access: 'webhook',
  summary: 'Takes an Alertmanager webhook. 202 means: it is on disk.',
  query: {},
  body: z.looseObject({ alerts: z.array(z.looseObject({})) }),
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

const NO_BODY = new Uint8Array();

/** What a refused delivery costs: a metric, and now and then a line in the log. */
export type RefusedDelivery = (request: FastifyRequest, error: AutohealError) => void;

export function registerWebhook(app: FastifyInstance, deps: HttpDeps, gate: Gate): void {
  const admit = createAdmission(deps.limits);
  app.route({
    method: WEBHOOK.method,
    url: WEBHOOK_PATH,
    bodyLimit: deps.limits.body_bytes,
    onRequest(request, reply, done) {
      request.is_webhook = true;
      request.started_at = performance.now();
      gate.admit(request, 'webhook', WEBHOOK_PATH);
      admit(request, reply);
      done();
    },
    handler(request, reply) {
      void take(deps, request, reply);
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
    deps.metrics.webhook('accepted', secondsSince(request.started_at), accepted.drill);
    reply.code(202).header('content-type', 'application/json; charset=utf-8');
    reply.send(answerOf(accepted));
  } catch (error) {
    reply.send(error);
  }
}

function answerOf({ delivery, alerts, unusable }: Accepted): string {
  // Nearly every one; an id is a UUID, so there is nothing to escape.
  if (unusable.length === 0) return `{"delivery":"${delivery}","alerts":${alerts},"unusable":[]}`;
  return JSON.stringify({ delivery, alerts, unusable });
}

function secondsSince(started_at: number): number {
  return (performance.now() - started_at) / 1_000;
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

/** W3C Trace Context, level 1, section 3.2: lower case only, no zero ids, version ff is invalid. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/** Where the sender's trace is; null when it sent none that is valid. */
export function traceOf(traceparent: string | string[] | undefined): SpanPlace | null {
  if (typeof traceparent !== 'string') return null;
  const [, version = 'ff', trace_id = '', span_id = '', more] = TRACEPARENT.exec(traceparent) ?? [];
  if (version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(trace_id) || /^0+$/.test(span_id)) return null;
  return { trace_id, span_id };
}

/* ---------------------------------------------------------------- bounds */

/**
 * Keeps the memory of large bodies bounded while they arrive. A chunked body does not say its size,
 * so it counts as the largest. Small bodies are bounded by the number of sockets and cost nothing here.
 */
function createAdmission(limits: Limits): (request: FastifyRequest, reply: FastifyReply) => void {
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
    const { code, message: detail } = error;
    deps.metrics.webhook(outcomeOf(code), secondsSince(request.started_at), false);
    const left_out = sparing(code);
    if (left_out === undefined) return;
    const client = request.socket.remoteAddress;
    const source = sourceOf(request.headers['user-agent']);
    deps.log.warn({ detail, client, source, code, left_out }, 'webhook delivery refused');
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
