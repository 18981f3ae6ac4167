/**
 * Ids of traces and spans. The spans that others hang under take theirs from the row they are about (a
 * delivery, an episode, a remediation): so the worker that goes on after a crash knows its place in the trace
 * without a column that says so.
 */

/** A place in a trace. `trace_id`: 32 hex digits. `span_id`: 16, or null at the top of a new trace. */
export interface SpanPlace {
  readonly trace_id: string;
  readonly span_id: string | null;
}

/** The trace that begins with a delivery that brought none: the 32 hex digits of its UUID. */
export function traceIdFrom(uuid: string): string {
  return uuid.replaceAll('-', '');
}

/** The span of a row: the last 16 hex digits of its UUID, of which 62 bits are random. */
export function spanIdFrom(uuid: string): string {
  return uuid.slice(19, 23) + uuid.slice(24);
}

/** Under the span of a row; null where the row belongs to no trace. */
export function under(trace_id: string | null, uuid: string): SpanPlace | null {
  return trace_id === null ? null : { trace_id, span_id: spanIdFrom(uuid) };
}
