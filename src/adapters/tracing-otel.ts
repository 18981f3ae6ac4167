import { randomBytes } from 'node:crypto';
import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer as OtelSdkTracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { ActionError } from '../action.ts';
import { AutohealError } from '../core/errors.ts';
import { faultText } from '../core/fault-text.ts';
import type { SpanPlace } from '../core/trace.ts';
import type { Log, Span, SpanAttributes, SpanOptions } from '../ports.ts';
import { ConflictError } from '../store.ts';
import { createQuietExporter } from './tracing-exporter.ts';
import type { OpenTracer, TracingOptions } from './tracing.ts';

/** A post to the collector may take this long; a slow one loses spans, never time. */
const EXPORT_TIMEOUT_MS = 5_000;
/** The last flush may take this long; a stop does not wait for a collector that hangs. */
const CLOSE_MAX_MS = 3_000;

/** OpenTelemetry's SamplingDecision.RECORD_AND_SAMPLED; its enum is in a package that we do not name. */
const RECORD_AND_SAMPLE = 2;

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT } as const;

/** Loads and starts the SDK. One at a time in a process: OpenTelemetry's API keeps it globally. */
export function startOtel(options: TracingOptions, log: Log): OpenTracer {
  const ids = createChosenIds();
  const sdk = new NodeSDK({
    // The default resource tells command line, owner and host id: only what is named here leaves.
    resourceDetectors: [
      {
        detect: () => ({
          attributes: {
            'service.version': options.service_version,
            'deployment.environment.name': options.environment,
          },
        }),
      },
    ],
    serviceName: options.service_name,
    // A few spans for each remediation, of which each is wanted: whatever Alertmanager's tracing
    // thinks of sampling, nothing is left out here.
    sampler: { shouldSample: () => ({ decision: RECORD_AND_SAMPLE }), toString: () => 'all' },
    idGenerator: ids,
    traceExporter: createQuietExporter(exporterFor(options), log),
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [],
    textMapPropagator: null,
  } satisfies Partial<NodeSDKConfiguration>);
  sdk.start();
  return createTracer(trace.getTracer('autoheal', options.service_version), ids, async () => {
    await Promise.race([sdk.shutdown().catch(() => undefined), late(CLOSE_MAX_MS)]);
    trace.disable();
    context.disable();
  });
}

function late(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/** An address with a user in it is split: errors quote addresses, headers they do not. */
function exporterFor(options: TracingOptions): OTLPTraceExporter {
  const url = new URL(options.url);
  const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const basic: Record<string, string> =
    user === ':' ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` };
  url.username = '';
  url.password = '';
  return new OTLPTraceExporter({
    url: url.href,
    headers: { ...basic, ...options.headers },
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
}

/* ---------------------------------------------------------------- ids */

interface ChosenIds {
  /** The ids that the next span takes; undefined: random ones. Taken once, in the same turn. */
  choose(trace_id: string | undefined, span_id: string | undefined): void;
  generateTraceId(): string;
  generateSpanId(): string;
}

/** The SDK asks for ids while it makes a span; this is how a span gets the id of its row. */
function createChosenIds(): ChosenIds {
  let trace_id: string | undefined;
  let span_id: string | undefined;
  return {
    choose(next_trace, next_span) {
      trace_id = next_trace;
      span_id = next_span;
    },
    generateTraceId: () => trace_id ?? randomBytes(16).toString('hex'),
    generateSpanId: () => span_id ?? randomBytes(8).toString('hex'),
  };
}

/* ---------------------------------------------------------------- tracer */

function createTracer(otel: OtelSdkTracer, ids: ChosenIds, close: () => Promise<void>): OpenTracer {
  function begin(options: SpanOptions, over: Context, startTime?: Date): OtelSpan {
    ids.choose(options.parent?.trace_id, options.span_id);
    try {
      return otel.startSpan(
        options.name,
        {
          kind: options.kind === undefined ? SpanKind.INTERNAL : KINDS[options.kind],
          attributes: withoutEmpty(options.attributes ?? {}),
          ...(startTime === undefined ? {} : { startTime }),
        },
        over,
      );
    } finally {
      ids.choose(undefined, undefined);
    }
  }

  const teller = createTeller();
  let closed: Promise<void> | undefined;
  return {
    enabled: true,
    close() {
      closed ??= close();
      return closed;
    },
    async span(options, work) {
      const over = above(options);
      // No span, and none of whoever happened to start this work either.
      if (over === undefined) return context.with(ROOT_CONTEXT, work, undefined, UNSEEN);
      const span = begin(options, over);
      const ours = handleOf(span);
      try {
        return await context.with(trace.setSpan(over, span), work, undefined, ours);
      } catch (error) {
        ours.fail(wordOf(error));
        if (!isAnswer(error)) teller.tell(span, error);
        throw error;
      } finally {
        if (!ours.dropped()) span.end();
      }
    },
    record(options, times, failed) {
      const over = above(options);
      if (over === undefined) return;
      const span = begin(options, over, new Date(times.from));
      if (failed !== null) handleOf(span).fail(failed);
      // As dates: a small number would be taken for time since the process began.
      span.end(new Date(Math.max(times.from, times.to)));
    },
    fault(error, { where, parent, request_id }) {
      if (teller.isTold(error)) return;
      const active = trace.getActiveSpan();
      if (active !== undefined) return teller.tell(active, error);
      // Without a place of its own it begins a trace: else nobody would find it.
      const over = parent === undefined || parent === null ? ROOT_CONTEXT : contextOf(parent);
      const attributes = { 'autoheal.where': where, 'autoheal.request_id': request_id };
      const span = begin({ name: 'fault', attributes, ...(parent && { parent }) }, over);
      teller.tell(span, error);
      handleOf(span).fail(wordOf(error));
      span.end();
    },
    headers(): Readonly<Record<string, string>> {
      const now = trace.getActiveSpan()?.spanContext();
      return now === undefined ? {} : { traceparent: `00-${now.traceId}-${now.spanId}-01` };
    },
  };
}

const UNSEEN: Span = { set() {}, fail() {}, drop() {} };

/** The context that a span hangs under; undefined: nowhere. */
function above({ parent }: SpanOptions): Context | undefined {
  if (parent === undefined)
    return trace.getActiveSpan() === undefined ? undefined : context.active();
  return parent === null ? undefined : contextOf(parent);
}

interface Teller {
  isTold(error: unknown): boolean;
  tell(span: OtelSpan, error: unknown): void;
}

/** An error that goes up through several spans is told once, where it began. */
function createTeller(): Teller {
  const told = new WeakSet<object>();
  function isTold(error: unknown): boolean {
    return typeof error === 'object' && error !== null && told.has(error);
  }
  function tell(span: OtelSpan, error: unknown): void {
    if (isTold(error)) return;
    if (typeof error === 'object' && error !== null) told.add(error);
    const { type, message, frames } = faultText(error);
    span.recordException({ name: type, message, stack: [type, ...frames].join('\n    ') });
  }
  return { isTold, tell };
}

/** Errors that say no in words of ours: an answer, no fault. */
function isAnswer(error: unknown): boolean {
  return (
    error instanceof AutohealError || error instanceof ActionError || error instanceof ConflictError
  );
}

/** An error's code or name, never its message: that may quote what was sent. */
function wordOf(error: unknown): string {
  if (!(error instanceof Error)) return 'error';
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : error.name;
}

/** A place as OpenTelemetry knows it; without a span above, the trace's first. */
function contextOf({ trace_id, span_id }: SpanPlace): Context {
  if (span_id === null) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: trace_id,
    spanId: span_id,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  });
}

function handleOf(span: OtelSpan): Span & { dropped(): boolean } {
  let dropped = false;
  return {
    set: (attributes) => void span.setAttributes(withoutEmpty(attributes)),
    fail: (reason) => void span.setStatus({ code: SpanStatusCode.ERROR, message: reason }),
    // What is never ended is never exported.
    drop() {
      dropped = true;
    },
    dropped: () => dropped,
  };
}

function withoutEmpty(attributes: SpanAttributes): Attributes {
  const kept: Attributes = {};
  for (const [name, value] of Object.entries(attributes))
    if (value !== null && value !== undefined)
      kept[name] = typeof value === 'object' ? [...value] : value;
  return kept;
}
