import { ActionError } from '../action.ts';
import { endpointOf, request } from './prometheus.ts';

/** The samples of one series, oldest first. Times in ms since the epoch. */
export interface RangeSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly times: readonly number[];
}
export interface RangeQuery {
  readonly expr: string;
  /** Both inclusive, ms since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly step_ms: number;
}

const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

/**
 * When an expression had samples, by `POST /api/v1/query_range`; what their values were is left out. Base address as
 * AUTOHEAL_PROMETHEUS_URL. @throws ActionError `unavailable`, `timeout`, `rejected`, `not_configured`.
 */
export async function queryRange(
  url: string,
  { expr, from, to, step_ms }: RangeQuery,
): Promise<readonly RangeSeries[]> {
  const body = new URLSearchParams({
    query: expr,
    start: String(from / 1000),
    end: String(to / 1000),
    step: String(step_ms / 1000),
    timeout: `${TIMEOUT_MS}ms`,
  });
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const init = { method: 'POST', body, signal };
  return seriesOf(await request(endpointOf(url), 'query_range', init, ANSWER_LIMIT_BYTES));
}

function seriesOf(data: unknown): readonly RangeSeries[] {
  const { resultType, result } = (data ?? {}) as { resultType?: unknown; result?: unknown };
  if (resultType !== 'matrix' || !Array.isArray(result))
    throw new ActionError('rejected', 'the expression gives no range', { retryable: false });
  return result.map((series) => {
    const { metric, values } = series as { metric?: unknown; values?: unknown };
    const pairs = Array.isArray(values) ? (values as readonly (readonly [number, string])[]) : [];
    return {
      labels: (metric ?? {}) as RangeSeries['labels'],
      times: pairs.map(([seconds]) => Math.round(seconds * 1000)),
    };
  });
}
