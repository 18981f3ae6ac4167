import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { AutohealError } from '../core/errors.ts';
import type { RateLimitName } from '../ports.ts';
import { type Admitted, ANYBODY, denialOf, type Gate } from './auth.ts';
import type { HttpDeps, Limits } from './deps.ts';
import { NO_SCHEMAS } from './no-schemas.ts';
import type { Access } from './route.ts';

/**
 * Lets a request in by its token, and not too often. `path`: the declared one, for the audit.
 * @throws AutohealError as `Gate.admit` does, and `rate_limited`.
 */
export type Admit = (request: FastifyRequest, access: Access, path: string) => Promise<Admitted>;

/**
 * Whoever sends alerts is never limited, a refused alert is a lost one; nor is whoever only asks how autoheal
 * is. A good token is not refused for what others behind the same address (a proxy, a cluster) try: only one
 * so short that it can be found by trying is, while they do.
 */
export function createAdmit(deps: HttpDeps, gate: Gate): Admit {
  const limiters = createLimiters(deps.limits);

  async function count(limit: RateLimitName, request: FastifyRequest, peek = false): Promise<void> {
    const limiter = (await limiters())[limit];
    const found = await limiter(request, { increment: !peek });
    if (found.isAllowed || !(peek ? found.remaining === 0 : found.isExceeded)) return;
    deps.metrics.rateLimited(limit);
    const wait_s = Math.max(1, found.ttlInSeconds);
    throw new AutohealError('rate_limited', sentenceOf(limit, found.max, deps.limits), {
      retry_after_seconds: wait_s,
    });
  }

  return async (request, access, path) => {
    if (access === 'open') return ANYBODY;
    if (!isLimited(access)) return gate.admit(request, access, path);
    const admitted = await admitKnown(request, access, path);
    request.actor = admitted.actor;
    if (admitted.guessable) await count('sign_in', request, true);
    if (deps.limits.api_requests > 0) await count('api', request);
    return admitted;
  };

  async function admitKnown(request: FastifyRequest, access: Access, path: string) {
    try {
      return gate.admit(request, access, path);
    } catch (error) {
      const unknown = error instanceof AutohealError && error.code === 'unauthorized';
      // Without a token nothing is tried.
      if (unknown && denialOf(error, request) === 'wrong_token') await count('sign_in', request);
      throw error;
    }
  }
}

/** What is open to everybody is read by those who watch; the webhook never says 429. */
export function isLimited(access: Access): boolean {
  return access !== 'open' && access !== 'webhook';
}

function sentenceOf(limit: RateLimitName, max: number, { rate_window_ms }: Limits): string {
  const within = `${rate_window_ms / 1_000} s`;
  if (limit === 'api') return `one client may send ${max} requests in ${within}`;
  return `${max} unknown tokens came from this address within ${within}`;
}

type Limiter = ReturnType<FastifyInstance['createRateLimit']>;

/**
 * The library is loaded with the first request that is limited (26 ms, 7 MB): a start does without it, and so
 * does a service that only takes alerts. Its plugin can only be added before a server listens, so it gets one
 * of its own, which never does.
 */
function createLimiters(limits: Limits): () => Promise<Readonly<Record<RateLimitName, Limiter>>> {
  let loaded: Promise<Readonly<Record<RateLimitName, Limiter>>> | undefined;

  async function load(): Promise<Readonly<Record<RateLimitName, Limiter>>> {
    const { fastifyRateLimit } = await import('@fastify/rate-limit');
    const holder = fastify({ schemaController: NO_SCHEMAS });
    await holder.register(fastifyRateLimit, { global: false });
    await holder.ready();
    const common = { timeWindow: limits.rate_window_ms, cache: limits.rate_clients };
    return {
      api: holder.createRateLimit({
        ...common,
        max: limits.api_requests,
        keyGenerator: clientOf,
      }),
      sign_in: holder.createRateLimit({
        ...common,
        max: limits.unknown_tokens,
        keyGenerator: addressOf,
      }),
    };
  }

  return () => {
    loaded ??= load();
    return loaded;
  };
}

/**
 * The token, else the address. Flags are read by each instance of an application with one token between them:
 * there it is both.
 */
function clientOf(request: FastifyRequest): string {
  const { actor } = request;
  if (!actor.startsWith('token:')) return addressOf(request);
  return request.url.startsWith('/ofrep/') ? `${actor} ${addressOf(request)}` : actor;
}

/** Of the socket: a header is whatever a client writes. */
function addressOf({ socket }: FastifyRequest): string {
  return socket.remoteAddress ?? 'unknown';
}
