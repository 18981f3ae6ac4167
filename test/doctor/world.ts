import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { Env } from '../../src/config.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import type { Installation } from '../../src/doctor/installation.ts';
import type { Needs } from '../../src/doctor/needs.ts';
import { configOf } from '../environment.ts';
import { type Reply, serve } from '../fakes/http.ts';

export const SHIPPED_ACTIONS = join(import.meta.dirname, '../../actions');

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});
/** Runs after the test, the last one first. */
export function later(step: () => unknown): void {
  undo.push(step);
}

const NO_NEEDS: Needs = {
  docker: [],
  swarm: [],
  kubernetes: [],
  prometheus: [],
  containers: [],
  rights: [],
  looks: [],
  databases: [],
  alertnames: [],
  max_age_ms: null,
};

export function installation(env: Env, needs: Partial<Needs> = {}): Installation {
  return {
    env,
    config: configOf(env),
    rules: undefined,
    needs: { ...NO_NEEDS, ...needs },
    shipped_rules: false,
  };
}

/** A server of fixed pages: a status and a body of each path, `GET /x` or `POST /x`; 404 for others. */
export async function pages(
  answers: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const server = await serve(({ method, path }): Reply => {
    const body = answers[`${method} ${path}`] ?? answers[path];
    return body === undefined ? { status: 404, body: 'not found' } : { status: 200, body, headers };
  });
  later(() => server.close());
  return `http://127.0.0.1:${server.port}`;
}

/** `warn: what -> fix`, a line each. */
export function linesOf(findings: readonly Finding[]): readonly string[] {
  return findings.map(
    ({ status, what, fix }) => `${status}: ${what}${fix === null ? '' : ` -> ${fix}`}`,
  );
}
