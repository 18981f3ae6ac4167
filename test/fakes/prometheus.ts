import { type Answer, type Seen, serve } from './http.ts';

export interface FakePrometheus {
  readonly url: string;
  readonly requests: readonly Seen[];
  /** What this expression gives from now on; an expression that was never set has no samples. */
  set(expr: string, data: QueryData): void;
  /** The alerts that it holds from now on. */
  setAlerts(...alerts: readonly FakePromAlert[]): void;
  /** The next `times` queries are answered so instead. */
  fail(answer: Answer, times?: number): void;
  close(): Promise<void>;
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
  const failures: Answer[] = [];
  let alerts: readonly FakePromAlert[] = [];
  const server = await serve((seen) => {
    const failure = failures.shift();
    if (failure !== undefined) return failure;
    if (seen.path === '/api/v1/alerts' && seen.method === 'GET')
      return { status: 200, body: { status: 'success', data: { alerts } } };
    if (seen.path !== '/api/v1/query') return { status: 404, body: '404 page not found\n' };
    if (seen.method !== 'POST') return { status: 405, body: '' };
    return answerQuery(seen, answers);
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    requests: server.requests,
    set: (expr, data) => void answers.set(expr, data),
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
