import type { Log, Span, Tracer } from '../ports.ts';

export interface TracingOptions {
  /** Where spans are posted, path included: `http://collector:4318/v1/traces`. User and password in it are sent as Basic. */
  readonly url: string;
  /** Sent with each post; secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly service_name: string;
  readonly service_version: string;
  /** What this installation is: `production`, ... */
  readonly environment: string;
}

export interface OpenTracer extends Tracer {
  /** Sends what is left, within CLOSE_MAX_MS. Never throws. */
  close(): Promise<void>;
}

const NO_SPAN: Span = { set() {}, fail() {}, drop() {} };
const NO_HEADERS: Readonly<Record<string, string>> = {};

/** Tracing is off: work runs as it is. */
export const NO_TRACER: OpenTracer = {
  enabled: false,
  span: (_options, work) => work(NO_SPAN),
  record() {},
  headers: () => NO_HEADERS,
  fault() {},
  async close() {},
};

/** Undefined: off. The SDK costs 240 ms of CPU and 42 MB, so it is loaded only when it is on. */
export async function openTracer(
  options: TracingOptions | undefined,
  log: Log,
): Promise<OpenTracer> {
  if (options === undefined) return NO_TRACER;
  const { startOtel } = await import('./tracing-otel.ts');
  return startOtel(options, log);
}
