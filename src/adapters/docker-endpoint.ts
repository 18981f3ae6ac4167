import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ActionError } from '../action.ts';

export const DEFAULT_SOCKET = '/var/run/docker.sock';
const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/** Where the engine listens, in the words that both node:http and docker-modem understand. */
export type DockerEndpoint =
  | { readonly kind: 'socket'; readonly socketPath: string; readonly shown: string }
  | {
      readonly kind: 'tcp';
      readonly protocol: 'http' | 'https';
      readonly host: string;
      readonly port: number;
      readonly tls: Tls;
      readonly shown: string;
    };
export interface Tls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}
export type Env = Readonly<Record<string, string | undefined>>;

/** `host`, else AUTOHEAL_DOCKER_HOST, else DOCKER_HOST; undefined when nobody configured one. */
export function configuredHost(host: string | undefined, env: Env): string | undefined {
  return [host, env['AUTOHEAL_DOCKER_HOST'], env['DOCKER_HOST']].find(
    (value) => value !== undefined && value !== '',
  );
}

/**
 * Reads `unix:///path`, `tcp://host:port`, `http://` and `https://`. TLS is spoken where the host says
 * https or 2376, or DOCKER_TLS_VERIFY or DOCKER_CERT_PATH is set, as the docker command does.
 * @returns undefined when nothing is configured and the default socket does not exist.
 * @throws ActionError `not_configured`.
 */
export function dockerEndpoint(host: string | undefined, env: Env): DockerEndpoint | undefined {
  const configured = configuredHost(host, env);
  if (configured === undefined)
    return existsSync(DEFAULT_SOCKET) ? socketEndpoint(DEFAULT_SOCKET) : undefined;
  if (configured.startsWith('/')) return socketEndpoint(configured);
  if (configured.startsWith('unix://'))
    return socketEndpoint(configured.slice('unix://'.length) || DEFAULT_SOCKET);
  return tcpEndpoint(configured, env);
}

function socketEndpoint(socketPath: string): DockerEndpoint {
  return { kind: 'socket', socketPath, shown: `unix://${socketPath}` };
}

function tcpEndpoint(configured: string, env: Env): DockerEndpoint {
  const { url, https } = readAddress(configured);
  const certs = env['DOCKER_CERT_PATH'] ?? '';
  const verify = env['DOCKER_TLS_VERIFY'] ?? '';
  const secure = https || url.port === String(TLS_PORT) || verify !== '' || certs !== '';
  const usual = secure ? TLS_PORT : PLAIN_PORT;
  const port = url.port === '' ? usual : Number(url.port);
  return {
    kind: 'tcp',
    protocol: secure ? 'https' : 'http',
    host: url.hostname,
    port,
    tls: certs === '' ? {} : readTls(certs),
    shown: `tcp://${url.hostname}:${port}${secure ? ' (TLS)' : ''}`,
  };
}

function readAddress(configured: string): { readonly url: URL; readonly https: boolean } {
  // Read as tcp: URL drops the port where it is the scheme's own, and 80 is not Docker's.
  const text = configured.replace(/^https?:/, 'tcp:');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== 'tcp:' || url.hostname === '')
    throw notConfigured(
      `the Docker host ${JSON.stringify(configured)} cannot be used; write unix:///path/docker.sock or tcp://host:2375`,
    );
  return { url, https: configured.startsWith('https:') };
}

function readTls(dir: string): Tls {
  try {
    return {
      ca: readFileSync(join(dir, 'ca.pem')),
      cert: readFileSync(join(dir, 'cert.pem')),
      key: readFileSync(join(dir, 'key.pem')),
    };
  } catch (error) {
    throw notConfigured(
      `DOCKER_CERT_PATH=${dir}: ca.pem, cert.pem and key.pem must be readable (${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

export function notConfigured(message: string): ActionError {
  return new ActionError('not_configured', message, { retryable: false });
}
