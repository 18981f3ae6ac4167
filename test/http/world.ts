import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { expect } from 'vitest';
import { ERRORS, type ErrorCode } from '../../src/core/errors.ts';
import {
  DEFAULT_LIMITS,
  type HttpDeps,
  type Limits,
  type StoreReads,
  type Tokens,
} from '../../src/http/deps.ts';
import { createPathTable } from '../../src/http/paths.ts';
import { ROUTE_INFOS } from '../../src/http/routes.ts';
import { createServer } from '../../src/http/server.ts';
import {
  flagsOf,
  logOf,
  metricsOf,
  newState,
  operatorOf,
  reporterOf,
  rulebookOf,
  storeOf,
  type State,
} from './fakes.ts';
import { RESTART } from './values.ts';

/** A server on a real socket over in-process fakes of the facade. Everything that happens is recorded. */
export interface World {
  readonly app: FastifyInstance;
  readonly port: number;
  readonly url: string;
  readonly deps: HttpDeps;
  readonly state: State;
  call(method: string, path: string, options?: CallOptions): Promise<Reply>;
  close(): Promise<void>;
}
export interface CallOptions {
  readonly token?: string;
  readonly headers?: Record<string, string>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly body?: string | Uint8Array;
}
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Tests look into answers of every shape.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export interface WorldOptions {
  readonly tokens?: Tokens;
  readonly limits?: Partial<Limits>;
  readonly store?: Partial<StoreReads>;
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const state = newState();
  const deps: HttpDeps = {
    intake: { accept: (post) => (state.posts.push(post), state.accept(post)) },
    operator: operatorOf(state),
    flags: flagsOf(state),
    rulebook: rulebookOf(state),
    reporter: reporterOf(state),
    store: { ...storeOf(state), ...options.store },
    actions: new Map([[RESTART.id, RESTART]]),
    metrics: metricsOf(state),
    tokens: options.tokens ?? { webhook: [], api: [] },
    limits: { ...DEFAULT_LIMITS, timeout_check_ms: 20, ...options.limits },
    log: logOf(state),
    clock: { now: () => state.now },
    auditAuthDenied: (client, route) => void state.denied.push({ client, route }),
  };
  const app = createServer(deps);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    app,
    port,
    url,
    deps,
    state,
    call: (method, path, call = {}) => callOf(url, method, path, call),
    close: () => app.close(),
  };
}

/** Every answer is held against its declaration, every error against the table. */
async function callOf(url: string, method: string, path: string, options: CallOptions) {
  const headers = new Headers(options.headers);
  if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`);
  if (options.json !== undefined) headers.set('content-type', 'application/json');
  const body = options.json === undefined ? options.body : JSON.stringify(options.json);
  const response = await fetch(url + path, {
    method,
    headers,
    redirect: 'manual',
    ...(body !== undefined && { body }),
  });
  const text = await response.text();
  const json = (response.headers.get('content-type') ?? '').includes('json') && text !== '';
  const reply = {
    status: response.status,
    headers: response.headers,
    text,
    body: json ? JSON.parse(text) : undefined,
  };
  checkShape(method, path.split('?')[0] ?? '', reply);
  return reply;
}

const PATHS = createPathTable(ROUTE_INFOS);

function checkShape(method: string, path: string, reply: Reply): void {
  if (reply.headers.get('content-type')?.startsWith('application/problem+json')) {
    if (method !== 'HEAD') checkProblem(reply);
    return;
  }
  const known = PATHS.find(path)?.path;
  const declared = method === 'HEAD' ? 'GET' : method;
  const info = ROUTE_INFOS.find((one) => one.path === known && one.method === declared);
  const answer = info?.answers[reply.status];
  expect(answer, `${method} ${path} declares no ${reply.status}`).toBeDefined();
  if (method !== 'HEAD') answer?.schema?.parse(reply.body);
}

function checkProblem({ body, status, headers }: Reply): void {
  const code = body.code as ErrorCode;
  expect(body.status).toBe(status);
  expect(body).toMatchObject({ type: `urn:autoheal:error:${code}`, ...ERRORS[code] });
  expect(body.detail).toEqual(expect.any(String));
  expect(body.instance).toMatch(/^urn:autoheal:request:/);
  expect(headers.get('cache-control')).toBe('no-store');
}
