import type { ClientRequest } from 'node:http';
import type Docker from 'dockerode';
import { ActionError } from '../action.ts';
import type { Backend, Component, ComponentStatus } from '../ports.ts';
import {
  DEFAULT_SOCKET,
  type DockerEndpoint,
  type Env,
  dockerEndpoint,
  notConfigured,
} from './docker-endpoint.ts';
import { parseObject } from './http-body.ts';
import { messageOf, networkCode, networkFailure, within } from './net-errors.ts';
import { http, https } from './node-http.ts';

export interface DockerOptions {
  /** `unix:///path` or `tcp://host:port`; else AUTOHEAL_DOCKER_HOST, DOCKER_HOST, the default socket. */
  readonly host?: string | undefined;
  readonly env?: Env;
}
export interface DockerAdapter {
  /** dockerode, loaded on first use (dockerode.ts). @throws ActionError `not_configured`. */
  client(): Promise<Docker>;
  readonly backend: Backend;
  readonly component: Component;
}

const STATUS_TIMEOUT_MS = 2_000;
const VERSION_LIMIT_BYTES = 64 * 1024;

export function createDocker(options: DockerOptions = {}): DockerAdapter {
  const env = options.env ?? process.env;
  let client: Promise<Docker> | undefined;
  return {
    client() {
      client ??= connect(options.host, env).catch((error: unknown) => {
        // A wrong setting may be put right, a socket may appear: the next call looks again.
        client = undefined;
        throw error;
      });
      return client;
    },
    backend: { name: 'docker', classify: classifyDocker },
    component: { name: 'docker', status: () => dockerStatus(options.host, env) },
  };
}

async function connect(host: string | undefined, env: Env): Promise<Docker> {
  const endpoint = dockerEndpoint(host, env);
  if (endpoint === undefined) throw notConfigured(noEngine());
  const { loadDockerode } = await import('./dockerode.ts');
  const Client = loadDockerode();
  try {
    return new Client(modemOptions(endpoint));
  } catch (error) {
    throw notConfigured(`the Docker client cannot start: ${messageOf(error)}`);
  }
}

/**
 * Every setting is named, also as undefined: docker-modem fills what is missing from DOCKER_HOST, and
 * a `host` from there would win over our socket.
 */
function modemOptions(endpoint: DockerEndpoint): Docker.DockerOptions {
  const blank = {
    host: undefined,
    port: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  };
  const chosen =
    endpoint.kind === 'socket'
      ? { ...blank, socketPath: endpoint.socketPath, protocol: 'http' as const }
      : {
          ...blank,
          socketPath: undefined,
          host: endpoint.host,
          port: endpoint.port,
          protocol: endpoint.protocol,
          ...endpoint.tls,
        };
  return chosen;
}

function noEngine(): string {
  return `no Docker engine: no socket at ${DEFAULT_SOCKET}; set AUTOHEAL_DOCKER_HOST where there is one`;
}

/** What dockerode's errors mean: they carry `statusCode`, or the system's `code`. */
export function classifyDocker(error: unknown): ActionError {
  if (error instanceof ActionError) return error;
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status === 'number') return classifyStatus(status, engineMessage(error));
  const code = networkCode(error);
  if (code === 'EACCES' || code === 'EPERM')
    return new ActionError(
      'forbidden',
      `this process may not open the Docker socket (${code}); let its user into the socket's group, or set AUTOHEAL_DOCKER_HOST`,
      { retryable: false },
    );
  if (code === 'ENOENT' || code === 'ECONNREFUSED')
    return new ActionError(
      'unavailable',
      `nothing listens on the Docker socket (${code}); is the engine running?`,
      { retryable: true },
    );
  return (
    networkFailure(error, 'the Docker engine') ??
    new ActionError('unexpected', messageOf(error), { retryable: false, cause: error })
  );
}

function classifyStatus(status: number, message: string): ActionError {
  if (status === 404) return new ActionError('not_found', message, { retryable: false });
  if (status === 409) return new ActionError('conflict', message, { retryable: false });
  if (status === 401 || status === 403)
    return new ActionError(
      'forbidden',
      `${message}; a proxy or an authorization plugin of the engine refuses this call`,
      { retryable: false },
    );
  if (status >= 500 || status === 429)
    return new ActionError('unavailable', message, { retryable: true });
  return new ActionError('rejected', message, { retryable: false });
}

/** The engine's own sentence, without dockerode's `(HTTP code 404) ...` around it. */
function engineMessage(error: unknown): string {
  const { json } = error as { json?: { message?: unknown } | null };
  const message = json?.message;
  return `Docker: ${typeof message === 'string' ? message.slice(0, 500) : messageOf(error)}`;
}

/** Asks over plain HTTP, so that an idle service need not load dockerode to show its state. */
async function dockerStatus(host: string | undefined, env: Env): Promise<ComponentStatus> {
  try {
    const endpoint = dockerEndpoint(host, env);
    if (endpoint === undefined) return { status: 'off', detail: noEngine() };
    return await within<ComponentStatus>(
      engineVersion(endpoint),
      STATUS_TIMEOUT_MS + 500,
      { status: 'degraded', detail: `no answer from ${endpoint.shown}` },
      (error) => ({
        status: 'degraded',
        detail: `${classifyDocker(error).message} (${endpoint.shown})`,
      }),
    );
  } catch (error) {
    return { status: 'degraded', detail: messageOf(error) };
  }
}

function engineVersion(endpoint: DockerEndpoint): Promise<ComponentStatus> {
  const { promise, resolve, reject } = Promise.withResolvers<ComponentStatus>();
  const request = requestOf(endpoint);
  request.on('error', reject);
  request.on('response', (response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('error', reject);
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > VERSION_LIMIT_BYTES) request.destroy(new Error('the answer is too long'));
      else chunks.push(chunk);
    });
    response.on('end', () =>
      resolve(readVersion(endpoint, response.statusCode ?? 0, Buffer.concat(chunks).toString())),
    );
  });
  request.end();
  return promise;
}

function requestOf(endpoint: DockerEndpoint): ClientRequest {
  const signal = AbortSignal.timeout(STATUS_TIMEOUT_MS);
  const common = { path: '/version', method: 'GET', signal, agent: false as const };
  if (endpoint.kind === 'socket')
    return http.request({
      ...common,
      socketPath: endpoint.socketPath,
      headers: { host: 'docker' },
    });
  const where = { ...common, host: endpoint.host.replace(/^\[|\]$/g, ''), port: endpoint.port };
  if (endpoint.protocol === 'http') return http.request(where);
  return https.request({ ...where, ...endpoint.tls });
}

function readVersion(endpoint: DockerEndpoint, status: number, body: string): ComponentStatus {
  if (status !== 200)
    return { status: 'degraded', detail: `${endpoint.shown} answered ${status} to GET /version` };
  const parsed = parseObject(body);
  const version = parsed?.['Version'];
  if (typeof version !== 'string')
    return { status: 'degraded', detail: `${endpoint.shown} does not speak Docker's API` };
  return { status: 'ok', detail: `Docker ${version.slice(0, 40)} at ${endpoint.shown}` };
}
