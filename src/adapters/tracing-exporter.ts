import type { NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import type { Log } from '../ports.ts';
import { messageOf, networkCode } from './net-errors.ts';

type SpanExporter = NodeSDKConfiguration['traceExporter'];

/** OpenTelemetry's ExportResultCode.SUCCESS. */
const EXPORTED = 0;
/** Between two lines in the log about a collector that does not take spans. */
const LOG_EVERY_MS = 60_000;

/**
 * Says in the log that spans are lost: the first time at once, then once a minute with how many. The SDK
 * would tell its own console, or nobody.
 */
export function createQuietExporter(inner: SpanExporter, log: Log): SpanExporter {
  let next_at = 0;
  let lost = 0;

  function failed(spans: number, error: Error): void {
    lost += spans;
    const now = performance.now();
    if (now < next_at) return;
    next_at = now + LOG_EVERY_MS;
    log.warn({ lost, why: whyOf(error) }, 'spans could not be sent');
    lost = 0;
  }

  return {
    export(spans, done) {
      inner.export(spans, (result) => {
        if (result.error !== undefined) failed(spans.length, result.error);
        // Told already: to the SDK it is as if they had been sent.
        done({ code: EXPORTED });
      });
    },
    shutdown: () => inner.shutdown(),
    async forceFlush() {
      await inner.forceFlush?.();
    },
  };
}

/** A status and what the network said; never what the collector answered, which may quote our headers. */
function whyOf(error: Error): string {
  const code = 'code' in error ? error.code : undefined;
  if (typeof code === 'number') return `HTTP ${code}`;
  return networkCode(error) ?? messageOf(error).slice(0, 200);
}
