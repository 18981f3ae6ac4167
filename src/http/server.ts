import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { AutohealError } from '../core/errors.ts';
import { createGate } from './auth.ts';
import { parseJson, readBody } from './body.ts';
import { answerClientError } from './client-error.ts';
import { countAnswer, labelsOf } from './counting.ts';
import type { HttpDeps, Limits, Role } from './deps.ts';
import { createOnce, type Once } from './idempotency.ts';
import { NO_SCHEMAS } from './no-schemas.ts';
import { createPathTable, type PathTable } from './paths.ts';
import { PROBLEM_TYPE, problemDocument, problemHeaders, toProblem } from './problem.ts';
import { parseRawQuery, readQuery, type RawQuery } from './query.ts';
import { type Admit, createAdmit } from './rate-limit.ts';
import { ROUTE_INFOS, ROUTES } from './routes.ts';
import type { Answer, Call, Route } from './route.ts';
import { createStreams, type Streams } from './streams.ts';
import {
  type Admission,
  createAdmission,
  createRefusedDelivery,
  registerWebhook,
  WEBHOOK_PATH,
  type RefusedDelivery,
} from './webhook.ts';

declare module 'fastify' {
  interface FastifyRequest {
    actor: string;
    role: Role | null;
    is_webhook: boolean;
    /** Autoheal's own: in no number of deliveries. */
    is_probe: boolean;
    /** Ms of the monotonic clock; 0: it was no request that a route could be looked up for. */
    started_at: number;
  }
}

/**
 * The HTTP server, not listening yet. `close()` lets requests under way finish, answers new ones on
 * kept connections with 503, and closes idle connections.
 */
export function createServer(deps: HttpDeps): FastifyInstance {
  const refused = createRefusedDelivery(deps);
  const app = fastify({ ...serverOptions(deps.limits), frameworkErrors: answerError });
  app.server.maxConnections = deps.limits.sockets;
  app.decorateRequest('actor', '');
  app.decorateRequest('role', null);
  app.decorateRequest('is_webhook', false);
  app.decorateRequest('is_probe', false);
  app.decorateRequest('started_at', 0);
  app.setErrorHandler(answerError);
  readBodiesAsBytes(app);
  const gate = createGate(deps);
  const admit = createAdmit(deps, gate);
  const streams = createStreams(deps);
  addBorderChecks(app, deps, admit);
  app.addHook('preClose', async () => streams.stop());
  const admitLarge = createAdmission(deps.limits);
  registerWebhook(app, deps, gate, admitLarge);
  const once = createOnce(deps);
  const parts = { deps, admit, once, streams, admitLarge };
  for (const route of ROUTES) registerRoute(app, parts, route);
  return app;

  function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    return sendProblem(deps, refused, error, request, reply);
  }
}

function serverOptions(limits: Limits) {
  const prefix = randomBytes(4).toString('hex');
  let count = 0;
  return {
    logger: false,
    schemaController: NO_SCHEMAS,
    bodyLimit: limits.small_body_bytes,
    requestTimeout: limits.request_timeout_ms,
    keepAliveTimeout: limits.keep_alive_timeout_ms,
    connectionTimeout: limits.socket_idle_timeout_ms,
    forceCloseConnections: 'idle' as const,
    // The check is ours (addBorderChecks), so that the answer is a problem document with Retry-After.
    return503OnClosing: false,
    genReqId: () => `${prefix}-${(count += 1)}`,
    clientErrorHandler: answerClientError,
    http: {
      maxHeaderSize: limits.header_bytes,
      headersTimeout: limits.headers_timeout_ms,
      connectionsCheckingInterval: limits.timeout_check_ms,
    },
    routerOptions: {
      ignoreTrailingSlash: true,
      ignoreDuplicateSlashes: true,
      maxParamLength: 256,
      querystringParser: parseRawQuery as unknown as (search: string) => Record<string, unknown>,
    },
  };
}

/** Every body stays bytes: the webhook stores them as they came, the routes parse by their schema. */
function readBodiesAsBytes(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  for (const type of ['application/json', /^application\/[\w.-]+\+json(?:;|$)/]) {
    app.addContentTypeParser<Buffer>(type, { parseAs: 'buffer' }, (_request, body, done) => {
      done(null, body);
    });
  }
}

/* ---------------------------------------------------------------- before any route */

function addBorderChecks(app: FastifyInstance, deps: HttpDeps, admit: Admit): void {
  const paths = createPathTable(ROUTE_INFOS);
  const isStopping = closeGently(app, deps.limits);
  app.addHook('onRequest', (request, _reply, done) => {
    request.started_at = performance.now();
    if (isStopping()) throw new AutohealError('stopping', 'autoheal is stopping; send it again');
    if (request.raw.url !== undefined && request.raw.url.length > deps.limits.url_bytes) {
      throw new AutohealError('uri_too_long', `the limit is ${deps.limits.url_bytes} bytes`);
    }
    if (request.is404) {
      void refuse(request, done);
      return;
    }
    refuseEncodedBody(request);
    done();
  });
  app.setNotFoundHandler((request) => refuseUnknownPath(request, admit, paths));

  async function refuse(request: FastifyRequest, done: (error: Error) => void): Promise<void> {
    try {
      await refuseUnknownPath(request, admit, paths);
    } catch (error) {
      done(error as Error);
    }
  }
}

/** How often connections that have become idle are looked for while the server closes. */
const CLOSE_IDLE_EVERY_MS = 50;

/**
 * node closes the connections that are idle when `close()` is called, forgets those that become idle
 * later, and stops its own watch over slow requests: without this one client could hold the end up.
 */
function closeGently(app: FastifyInstance, limits: Limits): () => boolean {
  let stopping = false;
  app.addHook('preClose', (done) => {
    stopping = true;
    if (!app.server.listening) return done();
    const idle = setInterval(() => app.server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
    const all = setTimeout(() => app.server.closeAllConnections(), limits.close_grace_ms);
    app.server.once('close', () => {
      clearInterval(idle);
      clearTimeout(all);
    });
    done();
  });
  return () => stopping;
}

/** Before the body is read: a wrong method on a known path is 405, the rest 404. */
async function refuseUnknownPath(
  request: FastifyRequest,
  admit: Admit,
  paths: PathTable,
): Promise<never> {
  const path = pathOf(request);
  const known = paths.find(path);
  request.is_webhook = known?.path === WEBHOOK_PATH;
  await admit(request, known?.access ?? 'viewer', known?.path ?? 'unknown path');
  if (known === undefined) throw new AutohealError('not_found', `no such path: ${path}`);
  throw new AutohealError(
    'method_not_allowed',
    `${known.path} takes ${known.allow.join(', ')}, not ${request.method}`,
    { allow: known.allow },
  );
}

function refuseEncodedBody(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return;
  throw new AutohealError('unsupported_media_type', 'send the body without Content-Encoding');
}

/** The path as it was asked for, cut to what a person can read. */
function pathOf(request: FastifyRequest): string {
  return (request.url.split('?', 1)[0] ?? '').slice(0, 256);
}

/* ---------------------------------------------------------------- a route */

interface Parts {
  readonly deps: HttpDeps;
  readonly admit: Admit;
  readonly once: Once;
  readonly streams: Streams;
  readonly admitLarge: Admission;
}

function registerRoute(app: FastifyInstance, parts: Parts, route: Route): void {
  const declared = labelsOf(route);
  app.route({
    method: route.method,
    url: route.path.replace(/\{(\w+)\}/g, ':$1'),
    ...(route.large_body === true && { bodyLimit: parts.deps.limits.body_bytes }),
    config: { declared },
    async onRequest(request, reply) {
      const { actor, role } = await parts.admit(request, route.access, route.path);
      request.actor = actor;
      request.role = role;
      if (route.large_body === true) parts.admitLarge(request, reply);
    },
    async handler(request, reply) {
      const answer = await answerOf(parts, route, request);
      countAnswer(parts.deps.metrics, declared, answer.status, request.started_at);
      return sendAnswer(request, reply, answer);
    },
  });
}

function answerOf(parts: Parts, route: Route, request: FastifyRequest): Promise<Answer> {
  const raw = request.body instanceof Uint8Array ? request.body : undefined;
  const call = callOf(parts, route, request, raw);
  // Only changes are kept: a POST for a viewer (OFREP) reads.
  if (route.method === 'GET' || route.access !== 'operator') return route.handle(call);
  const key = request.headers['idempotency-key'];
  const { actor, method, url } = request;
  const once_key = Array.isArray(key) ? key.join() : key;
  return parts.once({ key: once_key, actor, method, url, body: raw }, () => route.handle(call));
}

const NO_BODY = new Uint8Array();

function callOf(
  { deps, streams }: Parts,
  route: Route,
  request: FastifyRequest,
  raw: Uint8Array | undefined,
): Call<unknown, unknown> {
  const params = request.params as Readonly<Record<string, string>>;
  return {
    deps,
    param: (name) => params[name] ?? '',
    query: readQuery(route.query, request.query as RawQuery, deps.limits),
    body: route.body === null ? undefined : readBody(route.body, raw),
    bytes: raw ?? NO_BODY,
    json: () => (raw === undefined || raw.length === 0 ? undefined : parseJson(raw)),
    actor: request.actor,
    role: request.role ?? 'viewer',
    headers: request.headers,
    request_id: request.id,
    streams,
  };
}

function sendAnswer(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
  reply.code(answer.status).headers({ 'cache-control': 'no-store', ...answer.headers });
  if (answer.stream !== undefined) {
    if (request.method !== 'HEAD') return reply.send(answer.stream);
    // The framework would read it to its end, which a tail does not have.
    answer.stream.destroy();
    return reply.send(Readable.from([]));
  }
  if (answer.text !== undefined) return reply.send(answer.text);
  if (answer.body === undefined) return reply.send();
  if (!reply.hasHeader('content-type')) {
    reply.header('content-type', 'application/json; charset=utf-8');
  }
  return reply.send(JSON.stringify(answer.body));
}

function sendProblem(
  deps: HttpDeps,
  refused: RefusedDelivery,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const problem = toProblem(error, request, deps);
  const document = problemDocument(problem, request.id);
  if (request.is_webhook) refused(request, problem);
  const { declared = null } = request.routeOptions.config;
  if (!request.is_probe) countAnswer(deps.metrics, declared, document.status, request.started_at);
  // The framework asks to close after a refused body. A client that is still sending would then see a
  // reset and never the answer, so the rest is read and dropped instead; request_timeout_ms ends it.
  reply.removeHeader('connection');
  return reply
    .code(document.status)
    .headers({ 'content-type': PROBLEM_TYPE, ...problemHeaders(problem) })
    .send(JSON.stringify(document));
}
