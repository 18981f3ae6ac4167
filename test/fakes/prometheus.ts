import { type Answer, type Seen, serve } from './http.ts';

export interface FakePrometheus {
  readonly url: string;
  readonly requests: readonly Seen[];
  /** What this expression gives from now on; an expression that was never set has no samples. */
  set(expr: string, data: QueryData): void;
  /** When this expression has samples, by series; asked by range. Seconds since the epoch. */
  setRange(expr: string, ...series: readonly FakeRange[]): void;
  /** The alerts that it holds from now on. */
  setAlerts(...alerts: readonly FakePromAlert[]): void;
  /** The next `times` queries are answered so instead. */
  fail(answer: Answer, times?: number): void;
  close(): Promise<void>;
}
export interface FakeRange {
  readonly labels: Readonly<Record<string, string>>;
  readonly from: number;
  readonly to: number;
}
export interface FakePromAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}
export type QueryData =
  | { readonly resultType: 'vector'; readonly result: readonly object[] }
  | { readonly resultType: 'scalar' | 'string'; readonly result: readonly [number, string] }
  | { readonly resultType: 'matrix'; readonly result: readonly object[] };

/** `POST /api/v1/query` and `GET /api/v1/alerts` as Prometheus takes and answers it; what it would refuse is refused. */
export async function startPrometheus(): Promise<FakePrometheus> {
  const answers = new Map<string, QueryData>();
  const ranges = new Map<string, readonly FakeRange[]>();
  const failures: Answer[] = [];
  let alerts: readonly FakePromAlert[] = [];
  const server = await serve((seen) => {
    const failure = failures.shift();
    if (failure !== undefined) return failure;
    if (seen.path === '/api/v1/alerts' && seen.method === 'GET')
      return { status: 200, body: { status: 'success', data: { alerts } } };
    if (seen.path === '/api/v1/query_range' && seen.method === 'POST')
      return answerRange(seen, ranges);
    if (seen.path !== '/api/v1/query') return { status: 404, body: '404 page not found\n' };
    if (seen.method !== 'POST') return { status: 405, body: '' };
    return answerQuery(seen, answers);
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    requests: server.requests,
    set: (expr, data) => void answers.set(expr, data),
    setRange: (expr, ...series) => void ranges.set(expr, series),
    setAlerts(...next) {
      alerts = next;
    },
    fail(answer, times = 1) {
      for (let n = 0; n < times; n += 1) failures.push(answer);
    },
    close: () => server.close(),
  };
}

function answerQuery(seen: Seen, answers: ReadonlyMap<string, QueryData>): Answer {
  if (!seen.headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
    return badData('invalid parameter "query": unknown position: parse error: no expression found');
  const form = new URLSearchParams(seen.body);
  const expr = form.get('query') ?? '';
  if (expr === '') return badData('invalid parameter "query": no expression found in input');
  if (!/^\d+(ms|s)$/.test(form.get('timeout') ?? '1s'))
    return badData('invalid parameter "timeout": cannot parse to a valid duration');
  const data = answers.get(expr) ?? { resultType: 'vector', result: [] };
  return { status: 200, body: { status: 'success', data } };
}

/** Prometheus's own limit of looks in one answer. */
const POINTS_MAX = 11_000;

function answerRange(seen: Seen, ranges: ReadonlyMap<string, readonly FakeRange[]>): Answer {
  const form = new URLSearchParams(seen.body);
  const [start, end, step] = ['start', 'end', 'step'].map((name) => Number(form.get(name)));
  if (!(start !== undefined && end !== undefined && step !== undefined && step > 0))
    return badData('invalid parameter "step": cannot parse to a valid duration');
  if (end < start)
    return badData('invalid parameter "end": end timestamp must not be before start time');
  if ((end - start) / step > POINTS_MAX)
    return badData('exceeded maximum resolution of 11,000 points per timeseries.');
  const result = (ranges.get(form.get('query') ?? '') ?? []).flatMap(({ labels, from, to }) => {
    const values: (readonly [number, string])[] = [];
    for (let at = start; at <= end; at += step) if (at >= from && at <= to) values.push([at, '1']);
    return values.length === 0 ? [] : [{ metric: labels, values }];
  });
  return { status: 200, body: { status: 'success', data: { resultType: 'matrix', result } } };
}

/** A vector of one sample for each value. */
export function vector(...values: readonly string[]): QueryData {
  return {
    resultType: 'vector',
    result: values.map((value, index) => ({
      metric: { i: String(index) },
      value: [1_700_000_000, value],
    })),
  };
}

export function badData(error: string): Answer {
  return { status: 400, body: { status: 'error', errorType: 'bad_data', error } };
}
