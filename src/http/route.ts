import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { HttpDeps, Role } from './deps.ts';
import type { QueryOf, QuerySpec } from './query.ts';
import type { Streams } from './streams.ts';

/**
 * Who may call. `open`: everybody · `webhook`: a webhook token, or an API token of an operator ·
 * a role: an API token of that role or a higher one.
 */
export type Access = 'open' | 'webhook' | Role;
export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface AnswerSpec {
  readonly description: string;
  /** Of the JSON body; absent where there is none. */
  readonly schema?: z.ZodType;
  /** Media types of bodies that are not JSON. */
  readonly text?: readonly string[];
}

/**
 * A route as it is declared: input and output in one place, so that the API's description is made from
 * it. `path` has parameters as `{id}`. Errors are the same problem document everywhere (problem.ts).
 */
export interface RouteInfo {
  readonly method: Method;
  readonly path: string;
  readonly access: Access;
  readonly summary: string;
  readonly query: QuerySpec;
  /** Headers that change the answer, each with a sentence; for the description only. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Checked before the handler runs. Null: none, or the handler reads `json()` itself. */
  readonly body: z.ZodType | null;
  /** What such a handler takes; for the description only. */
  readonly body_read_by_handler?: z.ZodType;
  /** Its body may be as large as one of the webhook. */
  readonly large_body?: true;
  /** By status, without the problems. */
  readonly answers: Readonly<Record<number, AnswerSpec>>;
}

export interface Call<Q, B> {
  readonly deps: HttpDeps;
  /** A path parameter by name. */
  readonly param: (name: string) => string;
  readonly query: Q;
  readonly body: B;
  /** The body as it came; empty where there is none. */
  readonly bytes: Uint8Array;
  /** The body as JSON, for a handler that answers bad bodies itself. @throws AutohealError `not_json`. */
  readonly json: () => unknown;
  /** For the audit: `token:1a2b3c4d`, or `local` where no token is configured. */
  readonly actor: string;
  /** `admin` where no token is configured: only this machine is served then. */
  readonly role: Role;
  readonly headers: IncomingHttpHeaders;
  readonly request_id: string;
  readonly streams: Streams;
}

export interface Answer {
  readonly status: number;
  /** Sent as JSON, unless `text`. Absent: no body. */
  readonly body?: unknown;
  readonly text?: string;
  /** A long answer, from `streams.open`; its content type stands in `headers`. */
  readonly stream?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route extends RouteInfo {
  // A list of routes holds calls of every shape; `route` below ties each handler to its own.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly handle: (call: Call<any, any>) => Promise<Answer>;
}

interface RouteDraft<Q extends QuerySpec, B> extends Omit<RouteInfo, 'query' | 'body'> {
  readonly query?: Q;
  readonly body?: z.ZodType<B>;
  readonly handle: (call: Call<QueryOf<Q>, B>) => Promise<Answer>;
}

/** Declared by a route without a query: every parameter is unknown to it. */
type NoQuery = Readonly<Record<string, never>>;

/** Ties a handler's types to the query and the body that its declaration names. */
export function route<Q extends QuerySpec = NoQuery, B = undefined>(
  draft: RouteDraft<Q, B>,
): Route {
  return { ...draft, query: draft.query ?? {}, body: draft.body ?? null };
}

export function ok(body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, body, headers };
}
