import { ActionError } from '../action.ts';
import type {
  Component,
  ComponentStatus,
  PromAlerts,
  PromQuery,
  PromSample,
  PromSamples,
} from '../ports.ts';
import { parseObject, readText, TooLong } from './http-body.ts';
import { messageOf, networkFailure } from './net-errors.ts';

export interface PrometheusOptions {
  /** Base address, path prefix included; user and password in it are sent as Basic. Empty: off. */
  readonly url?: string | undefined;
  readonly timeout_ms: number;
  /** Sent with each query: the trace it belongs to. */
  readonly traceHeaders?: () => Readonly<Record<string, string>>;
}
export interface PrometheusAdapter extends PromQuery, PromSamples, PromAlerts {
  readonly component: Component;
}
type Verdict = { readonly holds: boolean; readonly detail: string };

const ANSWER_LIMIT_BYTES = 4 * 1024 * 1024;
/** All firing alerts come in one answer; as much as Alertmanager may send. */
const ALERTS_LIMIT_BYTES = 32 * 1024 * 1024;
const DETAIL_LIMIT_CHARS = 200;
const STATUS_TIMEOUT_MS = 2_000;
const HISTOGRAM = 'histogram';
const OFF = 'not configured: set AUTOHEAL_PROMETHEUS_URL';

/** Instant queries by `POST /api/v1/query`. Redirects are not followed: the query goes where it was sent. */
export function createPrometheus(options: PrometheusOptions): PrometheusAdapter {
  const configured = options.url ?? '';
  function reach(signal: AbortSignal): { endpoint: Endpoint; bounded: AbortSignal } {
    if (configured === '')
      throw new ActionError('not_configured', `Prometheus is ${OFF}`, { retryable: false });
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(options.timeout_ms)]);
    return {
      endpoint: { ...endpointOf(configured), trace: options.traceHeaders?.() ?? {} },
      bounded,
    };
  }
  async function query(expr: string, signal: AbortSignal): Promise<unknown> {
    const { endpoint, bounded } = reach(signal);
    return ask(endpoint, expr, options.timeout_ms, bounded);
  }
  return {
    configured: configured !== '',
    async firing(signal) {
      const { endpoint, bounded } = reach(signal);
      return firingOf(await askAlerts(endpoint, bounded));
    },
    holds: async (expr, signal) => judge(await query(expr, signal)),
    samples: async (expr, signal) => samplesOf(await query(expr, signal)),
    component: {
      name: 'prometheus',
      status: () =>
        configured === '' ? Promise.resolve({ status: 'off', detail: OFF }) : statusOf(configured),
    },
  };
}

async function statusOf(configured: string): Promise<ComponentStatus> {
  try {
    const endpoint = endpointOf(configured);
    const signal = AbortSignal.timeout(STATUS_TIMEOUT_MS);
    await ask(endpoint, 'vector(1)', STATUS_TIMEOUT_MS, signal);
    return { status: 'ok', detail: `answers at ${endpoint.shown}` };
  } catch (error) {
    return { status: 'degraded', detail: messageOf(error) };
  }
}

export interface Endpoint {
  readonly url: URL;
  readonly authorization: string | undefined;
  readonly trace?: Readonly<Record<string, string>>;
  readonly shown: string;
}

/** @throws ActionError `not_configured`. */
export function endpointOf(configured: string): Endpoint {
  const url = URL.canParse(configured) ? new URL(configured) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new ActionError(
      'not_configured',
      'AUTOHEAL_PROMETHEUS_URL is not an address; write http://prometheus:9090',
      { retryable: false },
    );
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  url.username = '';
  url.password = '';
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/`;
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  return {
    url,
    authorization: user === '' ? undefined : `Basic ${basic}`,
    shown: url.host,
  };
}

function ask(
  endpoint: Endpoint,
  expr: string,
  timeout_ms: number,
  signal: AbortSignal,
): Promise<unknown> {
  // The server is told as well, so that it stops working for an answer nobody waits for.
  const body = new URLSearchParams({ query: expr, timeout: `${timeout_ms}ms` });
  return request(endpoint, 'query', { method: 'POST', body, signal }, ANSWER_LIMIT_BYTES);
}

function askAlerts(endpoint: Endpoint, signal: AbortSignal): Promise<unknown> {
  return request(endpoint, 'alerts', { method: 'GET', signal }, ALERTS_LIMIT_BYTES);
}

/** The `data` of the answer. @throws ActionError. */
export async function request(
  endpoint: Endpoint,
  path: string,
  init: RequestInit,
  limit_bytes: number,
): Promise<unknown> {
  try {
    const response = await fetch(new URL(path, endpoint.url), {
      ...init,
      redirect: 'manual',
      headers: {
        ...endpoint.trace,
        ...(endpoint.authorization === undefined ? {} : { authorization: endpoint.authorization }),
      },
    });
    return readAnswer(response.status, await readText(response, limit_bytes));
  } catch (error) {
    throw classify(error);
  }
}

function classify(error: unknown): ActionError {
  if (error instanceof ActionError) return error;
  if (error instanceof TooLong)
    return rejected(`Prometheus's answer is longer than it may be (${error.message}); aggregate`);
  return (
    networkFailure(error, 'Prometheus') ??
    new ActionError('unavailable', `Prometheus: ${messageOf(error)}`, { retryable: true })
  );
}

/** The `data` of a successful answer. @throws ActionError for every other. */
function readAnswer(status: number, body: string): unknown {
  const answer = parseObject(body);
  if (status === 200 && answer?.['status'] === 'success') return answer['data'];
  const error = answer?.['error'];
  const said = `Prometheus: ${typeof error === 'string' ? error.slice(0, 500) : `HTTP ${status}`}`;
  throw failureOf(status, answer?.['errorType'], said);
}

function failureOf(status: number, type: unknown, said: string): ActionError {
  if (type === 'timeout' || type === 'canceled')
    return new ActionError('timeout', said, { retryable: true });
  if (status === 429 || status >= 500)
    return new ActionError('unavailable', said, { retryable: true });
  if (status >= 300 && status < 400)
    return rejected(`${said}: redirects are not followed; configure the address it leads to`);
  if (status === 200 || status === 404)
    return rejected(`${said}: that is not Prometheus's API; check AUTOHEAL_PROMETHEUS_URL`);
  return rejected(said);
}

/** A vector holds when it has a sample that is a number, a scalar when it is a number other than 0. */
function judge(data: unknown): Verdict {
  const { resultType, result } = (data ?? {}) as { resultType?: unknown; result?: unknown };
  if (resultType === 'vector' && Array.isArray(result)) return judgeVector(result);
  if (resultType === 'scalar' && Array.isArray(result)) {
    const value = number(result[1]);
    return { holds: !Number.isNaN(value) && value !== 0, detail: `scalar ${String(result[1])}` };
  }
  throw rejected(
    `the expression gives a ${String(resultType).slice(0, 20)}; a check needs an instant vector or a scalar, such as sum(up) > 0`,
  );
}

function samplesOf(data: unknown): readonly PromSample[] {
  const { resultType, result } = (data ?? {}) as { resultType?: unknown; result?: unknown };
  if (resultType !== 'vector' || !Array.isArray(result))
    throw rejected('the expression gives no instant vector');
  return result
    .map(readSample)
    .filter((sample) => !Number.isNaN(sample.value) && sample.text !== HISTOGRAM)
    .map(({ metric, value }) => ({ labels: (metric ?? {}) as PromSample['labels'], value }));
}

/** `pending` ones are left out: their condition has not held for long enough. */
function firingOf(data: unknown): readonly { readonly labels: Readonly<Record<string, string>> }[] {
  const { alerts } = (data ?? {}) as { alerts?: unknown };
  if (!Array.isArray(alerts))
    throw rejected("the answer has no list of alerts: that is not Prometheus's API");
  return (alerts as { state?: unknown; labels?: Readonly<Record<string, string>> }[])
    .filter(({ state }) => state === 'firing')
    .map(({ labels }) => ({ labels: labels ?? {} }));
}

function judgeVector(result: readonly unknown[]): Verdict {
  const samples = result.map(readSample).filter((sample) => !Number.isNaN(sample.value));
  const first = samples[0];
  if (first === undefined)
    return { holds: false, detail: result.length === 0 ? 'no sample' : 'every sample is NaN' };
  const labels = JSON.stringify(first.metric);
  const text = `${samples.length} sample${samples.length === 1 ? '' : 's'}, first ${labels} = ${first.text}`;
  return { holds: true, detail: text.slice(0, DETAIL_LIMIT_CHARS) };
}

interface Sample {
  readonly metric: unknown;
  readonly value: number;
  readonly text: string;
}

function readSample(sample: unknown): Sample {
  const { metric, value, histogram } = sample as {
    metric?: unknown;
    value?: unknown;
    histogram?: unknown;
  };
  // A native histogram is a sample too; it has no single value to be NaN.
  if (value === undefined && histogram !== undefined) return { metric, value: 1, text: HISTOGRAM };
  const text = Array.isArray(value) ? String(value[1]) : 'NaN';
  return { metric, value: number(text), text };
}

/** Prometheus writes +Inf, -Inf and NaN; everything else is a decimal. */
function number(text: unknown): number {
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return typeof text === 'string' && text !== '' ? Number(text) : Number.NaN;
}

function rejected(message: string): ActionError {
  return new ActionError('rejected', message, { retryable: false });
}
