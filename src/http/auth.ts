import { hash, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { AutohealError, type ErrorCode } from '../core/errors.ts';
import type { AuthDenial } from '../ports.ts';
import { ROLES, type HttpDeps, type Role, type Tokens } from './deps.ts';
import { hungUp } from './problem.ts';
import type { Access } from './route.ts';

interface Identity {
  readonly digest: Buffer;
  /** Null: a webhook token, which opens the webhook and nothing else. */
  readonly role: Role | null;
  /** The first 8 hex digits of the token's SHA-256 tell tokens apart without telling them. */
  readonly actor: string;
  readonly guessable: boolean;
}
/** A shorter token can be found by trying. */
const UNGUESSABLE_CHARS = 16;

export interface Gate {
  /**
   * Who a request that may pass comes from. `route` is the declared path, for the audit.
   * @throws AutohealError `unauthorized`, `forbidden`, `loopback_only`; each is counted and audited.
   */
  admit(request: FastifyRequest, access: Access, route: string): Admitted;
}
/** `role` is null for a webhook token, and for whoever needs none. `guessable`: by a token that is short. */
export interface Admitted {
  readonly actor: string;
  readonly role: Role | null;
  readonly guessable: boolean;
}

/** @throws Error when a configured token is empty: it would let everybody in. */
export function createGate(deps: HttpDeps): Gate {
  const identities = identitiesOf(deps.tokens);
  const identify = createIdentify(identities);
  return {
    admit(request, access, route) {
      if (access === 'open') return ANYBODY;
      try {
        if (identities.length === 0) return admitLocal(request);
        return admitToken(request, access, identify);
      } catch (error) {
        if (!isDenial(error)) throw error;
        deps.metrics.authDenied(denialOf(error, request));
        deps.auditAuthDenied(request.socket.remoteAddress ?? 'unknown', route);
        throw error;
      }
    },
  };
}

export const ANYBODY: Admitted = { actor: 'anonymous', role: null, guessable: false };
/** Without any token, whoever is on this machine is its administrator. */
const LOCAL: Admitted = { actor: 'local', role: 'admin', guessable: false };

const DENIALS: ReadonlySet<ErrorCode> = new Set(['unauthorized', 'forbidden', 'loopback_only']);

function isDenial(error: unknown): error is AutohealError {
  return error instanceof AutohealError && DENIALS.has(error.code);
}

/** Why `admit` refused this request. */
export function denialOf({ code }: AutohealError, { headers }: FastifyRequest): AuthDenial {
  if (code === 'forbidden') return 'role';
  if (code === 'loopback_only') return 'not_local';
  return presented(headers.authorization) === undefined ? 'no_token' : 'wrong_token';
}

function identitiesOf(tokens: Tokens): readonly Identity[] {
  const all = [
    ...tokens.webhook.map((token) => ({ token, role: null })),
    ...tokens.api.map(({ token, role }) => ({ token, role })),
  ];
  return all.map(({ token, role }) => {
    if (token === '') throw new Error('a configured token is empty');
    const digest = digestOf(token);
    const guessable = token.length < UNGUESSABLE_CHARS;
    return { digest, role, actor: `token:${digest.toString('hex', 0, 4)}`, guessable };
  });
}

function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

type Identify = (request: FastifyRequest) => Identity;

function admitToken(request: FastifyRequest, access: Access, identify: Identify): Admitted {
  const identity = identify(request);
  if (!allows(identity.role, access)) throw tooLow(identity.role, access);
  return identity;
}

/**
 * The header that was good stays good on its own connection, so that a sender with a kept connection
 * costs one digest and not one a request (2 % of the webhook's time). A client is only ever compared
 * with what it sent itself, which tells it nothing.
 */
function createIdentify(identities: readonly Identity[]): Identify {
  const admitted = new WeakMap<object, { header: string; identity: Identity }>();
  return ({ headers, socket }) => {
    const header = headers.authorization;
    const token = presented(header);
    if (header === undefined || token === undefined) {
      throw new AutohealError('unauthorized', 'send the header "Authorization: Bearer <token>"');
    }
    const before = admitted.get(socket);
    if (before?.header === header) return before.identity;
    const identity = find(token, identities);
    if (identity === undefined) {
      throw new AutohealError('unauthorized', 'this token is not known here; was it rotated?');
    }
    admitted.set(socket, { header, identity });
    return identity;
  };
}

/** Digests have one length, so the comparison tells nothing; every entry is looked at. */
function find(token: string, identities: readonly Identity[]): Identity | undefined {
  const digest = digestOf(token);
  let found: Identity | undefined;
  for (const identity of identities) {
    const same = timingSafeEqual(identity.digest, digest);
    // One token configured twice has the higher of its roles.
    if (same && rank(identity.role) >= rank(found?.role ?? null)) found = identity;
  }
  return found;
}

function rank(role: Role | null): number {
  return role === null ? -1 : ROLES.indexOf(role);
}

function allows(role: Role | null, access: Access): boolean {
  if (access === 'webhook') return role === null || rank(role) >= rank('operator');
  return access === 'open' || rank(role) >= rank(access);
}

function tooLow(role: Role | null, access: Access): AutohealError {
  if (role === null) {
    return new AutohealError('forbidden', 'a webhook token opens POST /webhook and nothing else');
  }
  const needed = access === 'webhook' ? 'operator, or a webhook token' : access;
  return new AutohealError('forbidden', `this token has the role ${role}; needed: ${needed}`);
}

/** `Bearer <token>`, or the password of `Basic`, which Alertmanager's basic_auth sends. */
function presented(header: string | undefined): string | undefined {
  const match = /^(bearer|basic) +(\S+)$/i.exec(header ?? '');
  const [, scheme = '', value = ''] = match ?? [];
  if (scheme === '') return undefined;
  if (scheme.toLowerCase() === 'bearer') return value;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon === -1 ? undefined : pair.slice(colon + 1);
}

/**
 * Without any token only this machine is served: by the socket's address, never by a header a client
 * can write. A web page in a local browser also comes from here, so the name in Host must be this
 * machine's too (DNS rebinding), and so must the page's own Origin.
 */
function admitLocal(request: FastifyRequest): Admitted {
  const { remoteAddress } = request.socket;
  if (remoteAddress === undefined) throw hungUp();
  if (!isLoopbackAddress(remoteAddress)) {
    throw new AutohealError(
      'loopback_only',
      'configure AUTOHEAL_API_TOKEN and AUTOHEAL_WEBHOOK_TOKEN to serve other machines',
    );
  }
  if (!isLoopbackHost(request.headers.host)) {
    throw new AutohealError('loopback_only', 'call it by localhost, 127.0.0.1 or [::1]');
  }
  const origin = request.headers.origin;
  if (origin !== undefined && !isLoopbackHost(origin.replace(/^https?:\/\//, ''))) {
    throw new AutohealError('loopback_only', 'a web page of another site may not call this');
  }
  return LOCAL;
}

export function isLoopbackAddress(address: string): boolean {
  if (address === '::1') return true;
  const v4 = address.replace(/^::ffff:/i, '');
  return isIPv4(v4) && v4.startsWith('127.');
}

/** A Host header: name or address, with or without a port. */
export function isLoopbackHost(host: string | undefined): boolean {
  const match = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(host ?? '');
  const name = match?.[1]?.toLowerCase() ?? '';
  if (name === 'localhost' || name.endsWith('.localhost') || name === '[::1]') return true;
  return isIPv4(name) && name.startsWith('127.');
}
