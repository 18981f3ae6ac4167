/** The tracing part of the environment (docs/tracing.md), as it was parsed. */
export interface TracingValues {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_HEADERS?: Readonly<Record<string, string>> | undefined;
  readonly OTEL_ENABLED: boolean;
  readonly OTEL_SERVICE_NAME: string;
  readonly SENTRY_DSN?: string | undefined;
}
export interface TracingSettings {
  /** Where spans are posted; undefined: tracing is off. */
  readonly url: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly service_name: string;
  /** Where errors go that nobody expected; undefined: nowhere. */
  readonly sentry_dsn: string | undefined;
}

/** OpenTelemetry's own rule: the endpoint of all signals gets `/v1/traces`, that of traces is taken as it is. */
export function tracingOf(values: TracingValues): TracingSettings {
  const base = values.OTEL_EXPORTER_OTLP_ENDPOINT;
  const found =
    values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ??
    (base === undefined ? undefined : `${base.replace(/\/+$/, '')}/v1/traces`);
  return {
    url: values.OTEL_ENABLED ? found : undefined,
    headers: values.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    service_name: values.OTEL_SERVICE_NAME,
    sentry_dsn: values.SENTRY_DSN,
  };
}

/** For people: where spans go, never how we sign in there. */
export function tracingShown(
  tracing: TracingSettings,
  withoutUserinfo: (text: string) => string,
): Readonly<Record<string, string | number | null>> {
  const { url, headers, sentry_dsn } = tracing;
  return {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url === undefined ? null : withoutUserinfo(url),
    OTEL_EXPORTER_OTLP_HEADERS: Object.keys(headers).length === 0 ? null : 'set',
    OTEL_SERVICE_NAME: tracing.service_name,
    SENTRY_DSN: sentry_dsn === undefined ? null : 'set',
  };
}
