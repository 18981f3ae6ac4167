import type { AuthDenial, Metrics, RateLimitName, RequestMetrics, RouteLabels } from '../ports.ts';
import { counter, histogram } from './metrics-series.ts';
import type { Registry } from './prom-client.ts';

const DENIALS = ['no_token', 'wrong_token', 'role', 'not_local'] as const satisfies AuthDenial[];
const LIMITS = ['api', 'sign_in'] as const satisfies RateLimitName[];
const CLASSES = ['2xx', '3xx', '4xx', '5xx'] as const;
/**
 * Few, because each route has them all, and fractional (see metrics-series.ts). 0.25 is the webhook's
 * objective.
 */
const EDGES = [0.005, 0.025, 0.1, 0.25, 0.5, 2.5];
/** What is asked for and not declared, all of it: whoever asks must not be able to make series. */
const OTHER: RouteLabels = { path: 'other', method: 'other' };

/** Requests, by declared route, and those that were not let in. */
export function httpMetrics(
  registry: Registry,
  routes: readonly RouteLabels[],
): RequestMetrics & Pick<Metrics, 'authDenied'> {
  const declared = [...routes, OTHER];
  // Not every combination of labels: a route takes one method.
  const requests = counter(
    registry,
    'autoheal_http_requests_total',
    'Requests answered, by declared route; other: what no route is declared for, be it by its path or by its method',
    { route: [], method: [], status_class: [] },
  );
  for (const { path, method } of declared)
    for (const status_class of CLASSES) requests.inc({ route: path, method, status_class }, 0);
  const seconds = histogram(
    registry,
    'autoheal_http_request_duration_seconds',
    'From the arrival of a request to its answer; of a stream, to its beginning',
    { route: declared.map(({ path }) => path) },
    EDGES,
  );
  const denied = counter(
    registry,
    'autoheal_auth_denied_total',
    'Requests refused for want of a token or a role; not_local: no token is configured, and it came from elsewhere',
    { reason: DENIALS },
  );
  const limited = counter(
    registry,
    'autoheal_rate_limited_total',
    'Requests answered with 429; api: too many of one client, sign_in: too many unknown tokens from one address',
    { limit: LIMITS },
  );
  return {
    request(route, status, took) {
      const { path, method } = route ?? OTHER;
      requests.inc({ route: path, method, status_class: classOf(status) });
      seconds.observe({ route: path }, took);
    },
    authDenied: (reason) => denied.inc({ reason }),
    rateLimited: (limit) => limited.inc({ limit }),
  };
}

function classOf(status: number): (typeof CLASSES)[number] {
  return CLASSES[Math.floor(status / 100) - 2] ?? '5xx';
}
