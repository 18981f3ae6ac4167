import net from 'node:net';
import { ActionError } from '../action.ts';
import { hostPortText } from '../core/healing/probe-address.ts';
import type { Probes } from '../ports.ts';
import { isTimeout, messageOf, networkCode, networkFailure } from './net-errors.ts';
import { http, https } from './node-http.ts';

export interface ProbesOptions {
  /** Hosts that may be asked, as `host` or `host:port`; absent: all. */
  readonly allowed_hosts?: readonly string[];
}
type Seen = Awaited<ReturnType<Probes['tcp']>>;

/** Of an answer's body so much is read, and nothing kept: the status is what counts. */
export const BODY_READ_BYTES = 64 * 1024;

/** It is there and does not want us, or it is not there: the symptom itself. */
const SYMPTOMS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'cut the connection',
  ECONNABORTED: 'cut the connection',
  EPIPE: 'cut the connection',
  EHOSTUNREACH: 'cannot be reached',
  EHOSTDOWN: 'is down',
  ETIMEDOUT: 'did not answer in time',
};

/** Looks over real sockets. TLS is verified; proxies of the environment are not used. */
export function createProbes(options: ProbesOptions = {}): Probes {
  return {
    async http(url, { expect_status, signal }) {
      const at = new URL(url);
      const port = at.port === '' ? (at.protocol === 'https:' ? 443 : 80) : Number(at.port);
      const host = at.hostname.replace(/^\[|\]$/g, '');
      requireAllowed(options, host, port);
      const who = at.host;
      return look(who, signal, async (resolved) => {
        const status = await statusOf(at, signal, resolved);
        const holds =
          expect_status === undefined
            ? status >= 200 && status < 300
            : expect_status.includes(status);
        return { holds, detail: `${who} answered ${status}` };
      });
    },
    async tcp(host, port, signal) {
      requireAllowed(options, host, port);
      const who = hostPortText({ host, port });
      return look(who, signal, async (resolved) => {
        await connect(host, port, signal, resolved);
        return { holds: true, detail: `${who} takes connections` };
      });
    },
  };
}

function requireAllowed({ allowed_hosts }: ProbesOptions, host: string, port: number): void {
  if (allowed_hosts === undefined) return;
  const names = [host, hostPortText({ host, port })].map((name) => name.toLowerCase());
  if (allowed_hosts.some((allowed) => names.includes(allowed.toLowerCase()))) return;
  throw new ActionError('forbidden', `${names[1]} is not among the hosts that may be asked`, {
    retryable: false,
  });
}

/** Folds a failed look: the symptom is evidence, what keeps us from looking is not. */
async function look(
  who: string,
  signal: AbortSignal,
  ask: (resolved: () => void) => Promise<Seen>,
): Promise<Seen> {
  let resolved = false;
  try {
    return await ask(() => {
      resolved = true;
    });
  } catch (error) {
    if (signal.aborted || isTimeout(error)) return late(who, signal, resolved);
    const code = networkCode(error) ?? '';
    const symptom = Object.hasOwn(SYMPTOMS, code) ? SYMPTOMS[code] : undefined;
    if (symptom !== undefined) return { holds: false, detail: `${who} ${symptom} (${code})` };
    if (code.startsWith('HPE_'))
      return { holds: false, detail: `${who} answered what is not HTTP (${code})` };
    throw blind(who, code, error);
  }
}

/** Its silence is the symptom; that of a name server, or an end that somebody else set, is not. */
function late(who: string, signal: AbortSignal, resolved: boolean): Seen {
  const { reason } = signal as { readonly reason: unknown };
  const stopped = signal.aborted && !(reason instanceof Error && reason.name === 'TimeoutError');
  if (resolved && !stopped) return { holds: false, detail: `${who} did not answer in time` };
  const why = stopped ? 'the look was stopped' : 'its name was not resolved in time';
  throw new ActionError('timeout', `${who}: ${why}`, { retryable: true });
}

/** No name, no descriptor, no route of ours, no trust: nothing was seen of the target. */
function blind(who: string, code: string, error: unknown): ActionError {
  const known = networkFailure(error, who);
  if (known?.code === 'not_configured') return known;
  const why = code === '' ? messageOf(error) : code;
  return new ActionError('unavailable', `${who} could not be asked (${why})`, { retryable: true });
}

/** A connection of its own: one kept from an earlier look could be dead without telling. */
function statusOf(url: URL, signal: AbortSignal, resolved: () => void): Promise<number> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { agent: false, signal, rejectUnauthorized: true, headers: { 'user-agent': 'autoheal' } },
      (response) => {
        // An answer that breaks off or stalls is none, whatever its head promised; one without end is.
        let bytes = 0;
        function settle(): void {
          response.destroy();
          resolve(response.statusCode ?? 0);
        }
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.byteLength;
          if (bytes >= BODY_READ_BYTES) settle();
        });
        response.once('end', settle).on('error', reject);
      },
    );
    asked.once('socket', (socket) => onResolved(socket, url.hostname, resolved));
    asked.on('error', reject);
    asked.end();
  });
}

function connect(
  host: string,
  port: number,
  signal: AbortSignal,
  resolved: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const socket = net.connect({ host, port });
    function abort(): void {
      socket.destroy(signal.reason as Error);
    }
    signal.addEventListener('abort', abort, { once: true });
    onResolved(socket, host, resolved);
    socket.on('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('close', () => signal.removeEventListener('abort', abort));
  });
}

function onResolved(socket: net.Socket, host: string, resolved: () => void): void {
  if (net.isIP(host.replace(/^\[|\]$/g, '')) !== 0) resolved();
  else socket.once('lookup', (error: Error | null) => error === null && resolved());
}
