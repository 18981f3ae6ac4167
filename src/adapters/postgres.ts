import { readFile as readFileFromDisk } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Client as PgClient } from 'pg';
import { ActionError, type Postgres } from '../action.ts';
import type { DatabaseConfig } from '../core/rules/rule.ts';
import type { Backend } from '../ports.ts';
import { messageOf, networkFailure } from './net-errors.ts';

export interface PostgresAdapter {
  /** A connection of its own; aborting cuts it. @throws ActionError `not_configured`, `unavailable`, `timeout`. */
  connect(name: string, signal: AbortSignal): Promise<Postgres>;
  readonly backend: Backend;
}
/** As the policy has them now. */
export type DatabaseConfigs = () => Readonly<Record<string, DatabaseConfig>>;

/** How the server shows our sessions, and how they know each other. */
export const APPLICATION_NAME = 'autoheal';
const CONNECT_TIMEOUT_MS = 5_000;
/** On the server; it also bounds what a cut connection leaves behind there. */
const STATEMENT_TIMEOUT_MS = 10_000;
const END_WITHIN_MS = 1_000;

/** Databases of the policy. The library is loaded with the first connection. */
export function createPostgres(
  configsOf: DatabaseConfigs,
  readFile: (path: string) => Promise<string> = (path) => readFileFromDisk(path, 'utf8'),
): PostgresAdapter {
  return {
    backend: { name: 'postgres', classify: (error) => classifyPostgres(error, 'PostgreSQL') },
    async connect(name, signal) {
      const configs = configsOf();
      const config = Object.hasOwn(configs, name) ? configs[name] : undefined;
      if (config === undefined)
        throw notConfigured(`the policy has no database ${name}; add it under databases`);
      const connectionString = await addressOf(name, config, readFile);
      if (signal.aborted) throw aborted(name);
      const { Client } = await import('pg');
      const socket = new Socket();
      const client = new Client({
        connectionString,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        statement_timeout: STATEMENT_TIMEOUT_MS,
        application_name: APPLICATION_NAME,
        stream: () => socket,
      });
      return await open(name, client, socket, signal);
    },
  };
}

async function open(
  name: string,
  client: PgClient,
  socket: Socket,
  signal: AbortSignal,
): Promise<Postgres> {
  const who = `database ${name}`;
  function cut(): void {
    socket.destroy();
  }
  async function during<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw signal.aborted ? aborted(name) : classifyPostgres(error, who);
    }
  }
  // The call that is under way hears of it; an idle connection that breaks has nobody to tell.
  client.on('error', () => undefined);
  signal.addEventListener('abort', cut, { once: true });
  if (signal.aborted) cut();
  try {
    await during(client.connect());
  } catch (error) {
    signal.removeEventListener('abort', cut);
    cut();
    throw error;
  }
  return {
    query: async (text, values) => {
      const found = await during(
        client.query<Readonly<Record<string, unknown>>>(text, [...values]),
      );
      return found.rows;
    },
    async end() {
      signal.removeEventListener('abort', cut);
      const late = setTimeout(cut, END_WITHIN_MS);
      await client.end().catch(() => undefined);
      clearTimeout(late);
    },
  };
}

/** The address is never shown: it may have a password. */
async function addressOf(
  name: string,
  { url, url_file }: DatabaseConfig,
  readFile: (path: string) => Promise<string>,
): Promise<string> {
  if (url_file === null) return url ?? '';
  let text: string;
  try {
    text = (await readFile(url_file)).trim();
  } catch {
    throw notConfigured(`database ${name}: url_file ${url_file} cannot be read`);
  }
  if (/^postgres(?:ql)?:\/\//i.test(text) && URL.canParse(text)) return text;
  throw notConfigured(
    `database ${name}: url_file does not give a postgres:// address; its value is not shown`,
  );
}

/** Folds what the library or the server said. */
function classifyPostgres(error: unknown, who: string): ActionError {
  if (error instanceof ActionError) return error;
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code))
    return fromServer(code, `${who}: ${messageOf(error)} (${code})`);
  const network = networkFailure(error, who);
  if (network !== undefined) return network;
  const said = messageOf(error);
  if (/password must be a (?:non-empty )?string|no password/i.test(said))
    return notConfigured(`${who} wants a password; put the address with it in a url_file`);
  if (/SSL/i.test(said)) return notConfigured(`${who}: ${said}; see sslmode in its address`);
  if (/timeout expired|connection timeout|Query read timeout/i.test(said))
    return new ActionError('timeout', `${who} did not answer in time`, { retryable: true });
  if (/^Connection (?:terminated|ended)/i.test(said))
    return new ActionError('unavailable', `${who}: the connection broke`, { retryable: true });
  return new ActionError('unexpected', `${who}: ${said}`, { retryable: false, cause: error });
}

/** By class of SQLSTATE; PostgreSQL's appendix A. */
function fromServer(state: string, said: string): ActionError {
  if (state === '57014') return new ActionError('timeout', said, { retryable: true });
  if (state === '42501') return new ActionError('forbidden', said, { retryable: false });
  if (/^(?:28|3D)/.test(state)) return notConfigured(`${said}; check user, password and name`);
  // Connection failure, too many connections or no memory, going down or coming up.
  if (/^(?:08|53|57P)/.test(state))
    return new ActionError('unavailable', said, { retryable: true });
  return new ActionError('rejected', said, { retryable: false });
}

function aborted(name: string): ActionError {
  return new ActionError('timeout', `database ${name} did not answer in time`, { retryable: true });
}

function notConfigured(message: string): ActionError {
  return new ActionError('not_configured', message, { retryable: false });
}
