import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { PROBE_HEADER } from '../ports.ts';
import type { HttpDeps } from './deps.ts';

/**
 * Is this delivery autoheal's own probe? By a secret that is made anew at each start and never leaves the process but
 * on its loopback connection: nobody can call a delivery a probe to keep it out of the numbers.
 */
export function createProbeMark({
  self_probe,
}: Pick<HttpDeps, 'self_probe'>): (request: FastifyRequest) => boolean {
  if (self_probe === undefined) return () => false;
  const expected = hash('sha256', self_probe.secret, 'buffer');
  return ({ headers }) => {
    const given = headers[PROBE_HEADER];
    if (typeof given !== 'string') return false;
    return timingSafeEqual(hash('sha256', given, 'buffer'), expected);
  };
}
