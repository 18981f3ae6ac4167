import type { RequestMetrics, RouteLabels } from '../ports.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route by which a request is counted. */
    declared?: RouteLabels;
  }
}

export function labelsOf({ method, path }: RouteLabels): RouteLabels {
  return { method, path };
}

/** `declared`: null for what no route is declared for. `started_at`: as `FastifyRequest` has it. */
export function countAnswer(
  metrics: Pick<RequestMetrics, 'request'>,
  declared: RouteLabels | null,
  status: number,
  started_at: number | undefined,
): void {
  metrics.request(declared, status, secondsSince(started_at));
}

/** Of a request; 0 for one that never got a beginning: the framework could not read its path. */
export function secondsSince(started_at: number | undefined): number {
  return started_at === undefined || started_at === 0
    ? 0
    : (performance.now() - started_at) / 1_000;
}
