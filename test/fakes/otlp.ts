import { type Answer, type Seen, serve } from './http.ts';

/** A span as a collector got it, attributes as plain values. */
export interface SentSpan {
  readonly name: string;
  readonly trace_id: string;
  readonly span_id: string;
  /** Empty: the top of its trace. */
  readonly parent: string;
  /** OTLP: 1 internal, 2 server, 3 client. */
  readonly kind: number;
  /** OTLP: 0 unset, 2 error. */
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Readonly<Record<string, unknown>>;
  /** By name, with their attributes. */
  readonly events: readonly {
    readonly name: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
  readonly start_ms: number;
  readonly end_ms: number;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A collector that takes OTLP/HTTP with JSON on `/v1/traces`, over a real socket. */
export interface OtlpSink {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  readonly posts: readonly Seen[];
  spans(): readonly SentSpan[];
  /** From now on every post is answered so. */
  answer(answer: Answer): void;
  close(): Promise<void>;
}

export async function startOtlpSink(): Promise<OtlpSink> {
  let now: Answer = { status: 200, body: {} };
  const taken: SentSpan[] = [];
  const server = await serve((seen) => {
    if (seen.method !== 'POST' || seen.path !== '/v1/traces') return { status: 404 };
    if (typeof now === 'object' && now.status === 200) taken.push(...spansOf(seen.body));
    return now;
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    posts: server.requests,
    spans: () => taken,
    answer(answer) {
      now = answer;
    },
    close: () => server.close(),
  };
}

interface OtlpValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
}
interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly status?: SentSpan['status'];
  readonly attributes?: readonly OtlpAttribute[];
  readonly events?: readonly {
    readonly name: string;
    readonly attributes?: readonly OtlpAttribute[];
  }[];
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}
interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource?: { readonly attributes?: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

function spansOf(body: string): readonly SentSpan[] {
  const { resourceSpans } = JSON.parse(body) as OtlpBody;
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        name: span.name,
        trace_id: span.traceId,
        span_id: span.spanId,
        parent: span.parentSpanId ?? '',
        kind: span.kind,
        status: span.status ?? {},
        attributes: plain(span.attributes),
        events: (span.events ?? []).map(({ name, attributes }) => ({
          name,
          attributes: plain(attributes),
        })),
        start_ms: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
        end_ms: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
        resource: plain(resource?.attributes),
      })),
    ),
  );
}

function plain(attributes: readonly OtlpAttribute[] = []): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
}

function valueOf(value: OtlpValue): unknown {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(valueOf);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? null;
}
