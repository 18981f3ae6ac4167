import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { expect } from 'vitest';
import { createPrometheus } from '../../src/adapters/prometheus.ts';
import { ERRORS, type ErrorCode } from '../../src/core/errors.ts';
import {
  DEFAULT_LIMITS,
  type HttpDeps,
  type Limits,
  type StoreReads,
  type Tokens,
} from '../../src/http/deps.ts';
import { createServer } from '../../src/http/server.ts';
import { type SloStanding, standingOf } from '../../src/core/slo/standing.ts';
import type { WhatIf } from '../../src/engine/api.ts';
import { createBenefits } from '../../src/engine/benefits.ts';
import type { PromSamples } from '../../src/ports.ts';
import { contractOf, type Contract } from './contract.ts';
import {
  flagsOf,
  logOf,
  metricsOf,
  newState,
  operatorOf,
  reporterOf,
  rulebookOf,
  storeOf,
  whatIfOf,
  type State,
} from './fakes.ts';
import { peopleOf } from './people.ts';
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
  /** What the service counted for its objectives; nothing by default. */
  readonly slo?: readonly SloStanding[];
  readonly self_probe?: NonNullable<HttpDeps['self_probe']>;
  /** None is configured by default. */
  readonly prometheus?: PromSamples;
  /** An engine's own, instead of one that knows nothing of any rule. */
  readonly what_if?: WhatIf;
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { deps, state } = partsOf(options);
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

function partsOf(options: WorldOptions): { readonly deps: HttpDeps; readonly state: State } {
  const state = newState();
  const deps: HttpDeps = {
    intake: { accept: (post) => (state.posts.push(post), state.accept(post)) },
    operator: operatorOf(state),
    flags: flagsOf(state),
    ...peopleOf(state.people),
    benefits: createBenefits({
      store: { treatments: async () => state.treatments },
      clock: { now: () => state.now },
    }),
    what_if: options.what_if ?? whatIfOf(state),
    rulebook: rulebookOf(state),
    reporter: reporterOf(state),
    store: { ...storeOf(state), ...options.store },
    actions: new Map([[RESTART.id, RESTART]]),
    ...(options.self_probe && { self_probe: options.self_probe }),
    slo: { standing: async () => options.slo ?? standingOf([]) },
    prometheus: options.prometheus ?? createPrometheus({ timeout_ms: 1_000 }),
    metrics: metricsOf(state),
    tokens: options.tokens ?? { webhook: [], api: [] },
    limits: { ...DEFAULT_LIMITS, timeout_check_ms: 20, ...options.limits },
    log: logOf(state),
    tracer: { fault: (error, about) => void state.faults.push({ error, about }) },
    clock: { now: () => state.now },
    auditAuthDenied: (client, route) => void state.denied.push({ client, route }),
  };
  return { deps, state };
}

/** The document as it is served, by a server of its own. */
let served: Promise<Contract> | undefined;
function servedContract(): Promise<Contract> {
  served ??= createServer(partsOf({}).deps)
    .inject({ url: '/openapi.json', headers: { host: 'localhost' } })
    .then((reply) => contractOf(reply.json()));
  return served;
}

/** Every answer is held against the API's own description, every error against the table too. */
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
  const type = response.headers.get('content-type') ?? '';
  const reply = { status: response.status, headers: response.headers, ...(await read(response)) };
  const contract = await servedContract();
  contract.check({ method, path: path.split('?')[0] ?? '', ...reply });
  if (type.startsWith('application/problem+json') && method !== 'HEAD') checkProblem(reply);
  return reply;
}

async function read(response: Response): Promise<Pick<Reply, 'text' | 'body'>> {
  const type = response.headers.get('content-type') ?? '';
  if (type.startsWith('text/event-stream')) {
    // It has no end.
    await response.body?.cancel();
    return { text: '', body: undefined };
  }
  const text = await response.text();
  const json = /[/+]json/.test(type) && text !== '';
  return { text, body: json ? JSON.parse(text) : undefined };
}

function checkProblem({ body, status, headers }: Reply): void {
  const code = body.code as ErrorCode;
  expect(body.status).toBe(status);
  expect(body).toMatchObject({ type: `urn:autoheal:error:${code}`, ...ERRORS[code] });
  expect(body.detail).toEqual(expect.any(String));
  expect(body.instance).toMatch(/^urn:autoheal:request:/);
  expect(headers.get('cache-control')).toBe('no-store');
}
