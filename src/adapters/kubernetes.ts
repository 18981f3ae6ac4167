import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import type { ConfigurationOptions, KubeConfig } from '@kubernetes/client-node';
import { ActionError } from '../action.ts';
import type { JsonObject } from '../core/json.ts';
import type { Backend, Component, ComponentStatus } from '../ports.ts';
import { messageOf, networkFailure, within } from './net-errors.ts';

export interface KubernetesOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The service account's token, for in-cluster credentials. */
  readonly token_file?: string;
}
export interface KubernetesAdapter {
  /** Loads the library on first use (446 ms of CPU, 86 MB). @throws ActionError `not_configured`. */
  client(): Promise<KubeConfig>;
  readonly backend: Backend;
  readonly component: Component;
}

const TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const STATUS_TIMEOUT_MS = 2_000;
const OFF = 'no cluster: set KUBECONFIG, or run in a pod with a service account';

type Source =
  | { readonly kind: 'files'; readonly files: readonly string[] }
  | { readonly kind: 'in-cluster' };

/** ~/.kube/config is left alone on purpose: a laptop's cluster is not touched without being named. */
export function createKubernetes(options: KubernetesOptions = {}): KubernetesAdapter {
  const env = options.env ?? process.env;
  let client: Promise<KubeConfig> | undefined;
  function source(): Source | undefined {
    const files = (env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
    if (files.length > 0) return { kind: 'files', files };
    const inCluster =
      (env['KUBERNETES_SERVICE_HOST'] ?? '') !== '' && existsSync(options.token_file ?? TOKEN_FILE);
    return inCluster ? { kind: 'in-cluster' } : undefined;
  }
  function connect(): Promise<KubeConfig> {
    client ??= load(source()).catch((error: unknown) => {
      client = undefined;
      throw error;
    });
    return client;
  }
  return {
    client: connect,
    backend: { name: 'kubernetes', classify: classifyKubernetes },
    component: {
      name: 'kubernetes',
      async status() {
        if (source() === undefined) return { status: 'off', detail: OFF };
        // Before the clock starts: the first look would take the time of loading for the server's silence.
        await import('@kubernetes/client-node');
        return await within<ComponentStatus>(
          version(connect),
          STATUS_TIMEOUT_MS,
          {
            status: 'degraded',
            detail: `no answer from the API server in ${STATUS_TIMEOUT_MS} ms`,
          },
          (error) => ({ status: 'degraded', detail: classifyKubernetes(error).message }),
        );
      },
    },
  };
}

async function load(source: Source | undefined): Promise<KubeConfig> {
  if (source === undefined) throw notConfigured(OFF);
  const { KubeConfig: Config } = await import('@kubernetes/client-node');
  const config = new Config();
  try {
    if (source.kind === 'in-cluster') config.loadFromCluster();
    else loadFiles(config, source.files, () => new Config());
  } catch (error) {
    throw notConfigured(`the kubeconfig cannot be used: ${messageOf(error)}`);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw notConfigured('the kubeconfig names no current cluster; set its current-context');
  // The library throws at every call then, without saying where to look.
  if (cluster.server.startsWith('http:') && !cluster.skipTLSVerify)
    throw notConfigured(
      `the cluster ${cluster.name} is at ${cluster.server}, without TLS; use https, or set insecure-skip-tls-verify: true for it in the kubeconfig`,
    );
  return config;
}

function loadFiles(config: KubeConfig, files: readonly string[], fresh: () => KubeConfig): void {
  for (const [index, file] of files.entries()) {
    if (index === 0) {
      config.loadFromFile(file);
      continue;
    }
    const more = fresh();
    more.loadFromFile(file);
    config.mergeConfig(more);
  }
}

async function version(connect: () => Promise<KubeConfig>): Promise<ComponentStatus> {
  const config = await connect();
  const { VersionApi } = await import('@kubernetes/client-node');
  const options = await callOptions(AbortSignal.timeout(STATUS_TIMEOUT_MS));
  const info = await config.makeApiClient(VersionApi).getCode({}, options);
  const server = config.getCurrentCluster()?.server ?? '';
  return { status: 'ok', detail: `Kubernetes ${info.gitVersion} at ${server}` };
}

/** The options of one call that make it stop when `signal` aborts; the library has no other way. */
export async function callOptions(signal: AbortSignal): Promise<ConfigurationOptions> {
  const { Observable } = await import('@kubernetes/client-node');
  return {
    middleware: [
      {
        pre(context) {
          context.setSignal(signal);
          return new Observable(Promise.resolve(context));
        },
        post: (context) => new Observable(Promise.resolve(context)),
      },
    ],
    middlewareMergeStrategy: 'append',
  };
}

/**
 * As `callOptions`, and `body` gives the answer as the server sent it: the library's own reading drops
 * the fields that it does not know, and what is sent back would lack them.
 */
export async function rawOptions(
  signal: AbortSignal,
): Promise<{ readonly options: ConfigurationOptions; readonly body: () => JsonObject }> {
  const { Observable } = await import('@kubernetes/client-node');
  const options = await callOptions(signal);
  let seen = '{}';
  const keep: NonNullable<ConfigurationOptions['middleware']>[number] = {
    pre: (context) => new Observable(Promise.resolve(context)),
    post(context) {
      const read = context.body.text().then((text) => {
        seen = text;
        context.body = { ...context.body, text: () => Promise.resolve(text) };
        return context;
      });
      return new Observable(read);
    },
  };
  return {
    options: { ...options, middleware: [...(options.middleware ?? []), keep] },
    body: () => JSON.parse(seen) as JsonObject,
  };
}

/** The HTTP status of the library's ApiException; undefined for everything else. */
export function apiStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('body' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}

/** What the library's errors mean: ApiException has the status and the API's Status object. */
export function classifyKubernetes(error: unknown): ActionError {
  if (error instanceof ActionError) return error;
  const status = apiStatus(error);
  if (status !== undefined) return classifyStatus(status, apiMessage(error));
  return (
    networkFailure(error, 'the Kubernetes API server') ??
    new ActionError('unexpected', messageOf(error), { retryable: false, cause: error })
  );
}

/** What a call needs, in the words of a Role. */
export interface Right {
  readonly verb: 'get' | 'list' | 'update' | 'patch' | 'delete';
  /** `deployments`, `deployments/scale`, `pods`. */
  readonly resource: string;
  readonly group: 'apps' | '';
  readonly namespace: string;
}

/** As `classifyKubernetes`; a refusal says which right is missing. */
export function explainKubernetes(error: unknown, right: Right): ActionError {
  const failure = classifyKubernetes(error);
  if (apiStatus(error) !== 403) return failure;
  const group = right.group === '' ? '""' : right.group;
  return new ActionError(
    'forbidden',
    `${failure.message}; give autoheal's service account the verb ${right.verb} on ${right.resource} (apiGroups: [${group}]) in namespace ${right.namespace}`,
    { retryable: false },
  );
}

function classifyStatus(status: number, message: string): ActionError {
  if (status === 404) return new ActionError('not_found', message, { retryable: false });
  if (status === 409) return new ActionError('conflict', message, { retryable: false });
  if (status === 401)
    return new ActionError(
      'forbidden',
      `${message}; the cluster does not accept these credentials`,
      { retryable: false },
    );
  if (status === 403) return new ActionError('forbidden', message, { retryable: false });
  if (status === 408 || status === 504)
    return new ActionError('timeout', message, { retryable: true });
  if (status === 429 || status >= 500)
    return new ActionError('unavailable', message, { retryable: true });
  return new ActionError('rejected', message, { retryable: false });
}

/** Only Status.message: the exception's own text quotes every header of the answer. */
function apiMessage(error: unknown): string {
  const { body, code } = error as { body?: unknown; code: number };
  const status = typeof body === 'string' ? parse(body) : body;
  const message = (status as { message?: unknown } | null | undefined)?.message;
  const text = typeof message === 'string' ? message.slice(0, 500) : `HTTP ${code}`;
  return `Kubernetes: ${text}`;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function notConfigured(message: string): ActionError {
  return new ActionError('not_configured', message, { retryable: false });
}
