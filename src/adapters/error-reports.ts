import type { Clock, Fault, Log } from '../ports.ts';
import { type FaultText, faultText } from '../core/fault-text.ts';
import type { OpenTracer } from './tracing.ts';

export interface ErrorReportsOptions {
  /** Where Sentry takes events: `https://PUBLIC_KEY@host/PROJECT_ID`. */
  readonly dsn: string;
  readonly environment: string;
  /** `autoheal@0.1.0` */
  readonly release: string;
}

/** Errors that nobody expected, for whoever collects them. */
export interface ErrorReports {
  /** Returns at once; never throws. `trace_id`: 32 hex digits. */
  report(error: unknown, about: Fault, trace_id: string | null): void;
  /** Sends what is left, within `CLOSE_MAX_MS`. Never throws. */
  close(): Promise<void>;
}

/** One report as it is sent: nothing in it comes from an alert, a body or a header. */
export interface ErrorReport extends FaultText {
  readonly at: number;
  readonly tags: Readonly<Record<string, string>>;
}
/** The SDK, loaded. */
export interface ErrorSender {
  send(report: ErrorReport): void;
  close(timeout_ms: number): Promise<void>;
}

/** A fault that comes with every request must not become as many reports. */
export const REPORTS_PER_MINUTE_MAX = 30;
/** The last flush may take this long; a stop does not wait for a collector that hangs. */
const CLOSE_MAX_MS = 2_000;
const MINUTE_MS = 60_000;

interface ReportsDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  /** A memory of what was told: the first of a key at once, then one a minute (engine/sparing.ts). */
  readonly sparing: () => Sparing;
}
type Sparing = (key: string) => number | undefined;

/** Sends through Sentry's own SDK, which is loaded with the first report: it costs 190 ms of CPU and 27 MB. */
export function createErrorReports(options: ErrorReportsOptions, deps: ReportsDeps): ErrorReports {
  const admit = createAdmission(deps);
  const lost = createLost(deps);
  let loading: Promise<ErrorSender | undefined> | undefined;

  async function load(): Promise<ErrorSender | undefined> {
    try {
      const { createSentry } = await import('./error-reports-sentry.ts');
      return createSentry(options, lost);
    } catch (error) {
      lost(String(error));
      return undefined;
    }
  }

  return {
    report(error, about, trace_id) {
      const text = faultText(error);
      const left_out = admit(keyOf(text, about));
      if (left_out === undefined) return;
      const report = {
        ...text,
        at: deps.clock.now(),
        tags: tagsOf(about, text, trace_id, left_out),
      };
      loading ??= load();
      void send(loading, report);
    },
    async close() {
      if (loading === undefined) return;
      const sender = await Promise.race([loading, late(CLOSE_MAX_MS)]);
      await Promise.race([sender?.close(CLOSE_MAX_MS), late(CLOSE_MAX_MS)]);
    },
  };
}

async function send(loading: Promise<ErrorSender | undefined>, report: ErrorReport): Promise<void> {
  const sender = await loading;
  sender?.send(report);
}

/** A tracer that tells these reports too what it is told of. */
export function withErrorReports(
  tracer: OpenTracer,
  reports: ErrorReports | undefined,
): OpenTracer {
  if (reports === undefined) return tracer;
  return {
    ...tracer,
    fault(error, about) {
      const trace_id = traceOf(tracer.headers()) ?? about.parent?.trace_id ?? null;
      tracer.fault(error, about);
      reports.report(error, about, trace_id);
    },
    async close() {
      await Promise.all([tracer.close(), reports.close()]);
    },
  };
}

function traceOf(headers: Readonly<Record<string, string>>): string | undefined {
  return headers['traceparent']?.split('-')[1];
}

function late(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, undefined).unref();
  });
}

/* ---------------------------------------------------------------- what is sent */

function keyOf({ type, code, frames }: FaultText, { where }: Fault): string {
  return [where, type, code, frames[0]].join('|');
}

function tagsOf(
  { where, request_id }: Fault,
  { code }: FaultText,
  trace_id: string | null,
  left_out: number,
): Readonly<Record<string, string>> {
  return {
    where,
    ...(code !== null && { code }),
    ...(request_id !== undefined && { request_id }),
    ...(trace_id !== null && { trace_id }),
    ...(left_out > 0 && { left_out: String(left_out) }),
  };
}

/** The same fault once a minute, all together `REPORTS_PER_MINUTE_MAX`. @returns how many were left out, or undefined: not now. */
function createAdmission({ clock, sparing: create }: ReportsDeps): Sparing {
  const sparing = create();
  let minute = 0;
  let sent = 0;
  return (key) => {
    const now = Math.floor(clock.now() / MINUTE_MS);
    if (now !== minute) sent = 0;
    minute = now;
    if (sent >= REPORTS_PER_MINUTE_MAX) return undefined;
    const left_out = sparing(key);
    if (left_out !== undefined) sent += 1;
    return left_out;
  };
}

/** Says in the log that reports are lost: once a minute for each reason. */
function createLost({ log, sparing: create }: ReportsDeps): (why: string) => void {
  const sparing = create();
  return (why) => {
    const left_out = sparing(why);
    if (left_out !== undefined) log.warn({ why, left_out }, 'an error could not be reported');
  };
}
