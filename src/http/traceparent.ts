import type { SpanPlace } from '../core/trace.ts';

/** W3C Trace Context, level 1, section 3.2: lower case only, no zero ids, version ff is invalid. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/** Where the sender's trace is; null when it sent none that is valid. */
export function traceOf(traceparent: string | string[] | undefined): SpanPlace | null {
  if (typeof traceparent !== 'string') return null;
  const [, version = 'ff', trace_id = '', span_id = '', more] = TRACEPARENT.exec(traceparent) ?? [];
  if (version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(trace_id) || /^0+$/.test(span_id)) return null;
  return { trace_id, span_id };
}
