import type { AddressInfo } from 'node:net';
import { PROBE_HEADER, type SelfProbeResult } from '../ports.ts';
import { http } from './node-http.ts';

const TIMEOUT_MS = 5_000;
const ACCEPTED = 202;

export interface ProbeTarget {
  /** Where the listener is. */
  readonly address: Pick<AddressInfo, 'address' | 'port'>;
  readonly tokens: {
    readonly webhook: readonly string[];
    readonly api: readonly { readonly role: string; readonly token: string }[];
  };
  /** Tells the listener whose delivery this is. */
  readonly secret: string;
  readonly timeout_ms?: number;
}
interface Answer {
  readonly result: SelfProbeResult;
  readonly detail: string;
}

/**
 * One delivery to our own listener over a new connection, with a real token.
 * @returns why it cannot be, where nothing we have opens the webhook.
 */
export function createProbeSend(
  target: ProbeTarget,
): ((body: Uint8Array, signal: AbortSignal) => Promise<Answer>) | string {
  const { tokens, secret, timeout_ms = TIMEOUT_MS } = target;
  const { port } = target.address;
  const host = reachable(target.address.address);
  const token = tokens.webhook[0] ?? tokens.api.find(({ role }) => role !== 'viewer')?.token;
  const open = tokens.webhook.length + tokens.api.length === 0;
  if (token === undefined && !open)
    return 'no token opens POST /webhook: set AUTOHEAL_WEBHOOK_TOKEN';
  if (open && !isLoopback(host))
    return `without a token only this machine is served, and ${host} is not its loopback address: set AUTOHEAL_WEBHOOK_TOKEN and AUTOHEAL_API_TOKEN`;
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'autoheal/self-probe',
    [PROBE_HEADER]: secret,
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  return (body, signal) =>
    new Promise((resolve) => {
      const timeout = AbortSignal.timeout(timeout_ms);
      const request = http.request({
        host,
        port,
        path: '/webhook',
        method: 'POST',
        // A connection of its own: whether one more is taken is part of the question.
        agent: false,
        headers: { ...headers, 'content-length': body.byteLength },
        signal: AbortSignal.any([signal, timeout]),
      });
      request.on('response', (response) => {
        const status = response.statusCode ?? 0;
        response.resume();
        response.on('error', () => undefined);
        resolve(
          status === ACCEPTED
            ? { result: 'ok', detail: '' }
            : { result: 'refused', detail: `HTTP ${status}` },
        );
      });
      request.on('error', (error) => resolve(failureOf(error, timeout.aborted, timeout_ms)));
      request.end(body);
    });
}

function failureOf(error: Error, late: boolean, timeout_ms: number): Answer {
  if (late) return { result: 'timeout', detail: `no answer within ${timeout_ms} ms` };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return { result: 'error', detail: code };
}

/** Who listens on every address is asked on the loopback one of its kind. */
function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./i.test(address);
}
