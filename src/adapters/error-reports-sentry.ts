import { createStackParser, createTransport, Scope } from '@sentry/core';
import { nodeStackLineParser, ServerRuntimeClient } from '@sentry/core/server';
import type { ErrorReport, ErrorReportsOptions, ErrorSender } from './error-reports.ts';
import { http, https } from './node-http.ts';
import { messageOf, networkCode } from './net-errors.ts';

/** A post may take this long; a slow Sentry loses reports, never time. */
const SEND_TIMEOUT_MS = 5_000;
/** Posts under way; what comes beyond is dropped. */
const POSTS_MAX = 10;

/** The SDK's client and nothing around it: what instruments by itself would do so beside our traces. */
export function createSentry(
  options: ErrorReportsOptions,
  lost: (why: string) => void,
): ErrorSender {
  const parseStack = createStackParser(nodeStackLineParser());
  const client = new ServerRuntimeClient({
    dsn: options.dsn,
    environment: options.environment,
    release: options.release,
    platform: 'node',
    runtime: { name: 'node', version: process.version },
    integrations: [],
    stackParser: parseStack,
    traceLifecycle: 'static',
    sendClientReports: false,
    transport: (made) =>
      createTransport({ ...made, bufferSize: POSTS_MAX }, ({ body }) =>
        post(new URL(made.url), body, made.headers ?? {}, lost),
      ),
  });
  client.init();
  return {
    send({ type, message, frames, at, tags }: ErrorReport) {
      const stack = [type, ...frames.map((frame) => `    ${frame}`)].join('\n');
      const value = { type, value: message, stacktrace: { frames: parseStack(stack) } };
      const event: Parameters<typeof client.captureEvent>[0] = {
        level: 'error',
        timestamp: at / 1_000,
        logger: 'autoheal',
        tags: { ...tags },
        exception: { values: [value] },
      };
      // A scope of its own: the SDK's is global, and somebody else might have put something into it.
      client.captureEvent(event, {}, new Scope());
    },
    async close(timeout_ms) {
      await client.close(timeout_ms);
    },
  };
}

interface Posted {
  readonly statusCode: number;
  readonly headers: {
    readonly 'x-sentry-rate-limits': string | null;
    readonly 'retry-after': string | null;
  };
}

/** By node:http, as every other request of ours; the SDK obeys `Retry-After` and 429. */
function post(
  url: URL,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>>,
  lost: (why: string) => void,
): Promise<Posted> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
    });
    sent.once('response', (response) => {
      const { statusCode = 0 } = response;
      if (statusCode >= 300) lost(`HTTP ${statusCode}`);
      response.resume();
      response.once('error', () => undefined);
      resolve({
        statusCode,
        headers: {
          'x-sentry-rate-limits': one(response.headers['x-sentry-rate-limits']),
          'retry-after': one(response.headers['retry-after']),
        },
      });
    });
    sent.once('error', (error) => {
      lost(networkCode(error) ?? messageOf(error).slice(0, 200));
      reject(error);
    });
    sent.end(body);
  });
}

function one(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
