import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ROUTE_INFOS } from '../../src/http/routes.ts';

const PAGE = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');

test('docs/api.md has each route with its role, and no other', () => {
  const listed = [...PAGE.matchAll(/^\| `(GET|POST|PUT|DELETE) (\S+)` \| (\w+) \|/gm)].map(
    ([, method, path, role]) => `${method} ${path} ${role}`,
  );
  const routes = ROUTE_INFOS.map(({ method, path, access }) => `${method} ${path} ${access}`);
  expect(listed.toSorted()).toEqual(routes.toSorted());
});

test('docs/api.md names each query parameter', () => {
  for (const { path, query } of ROUTE_INFOS) {
    const missing = Object.keys(query).filter((name) => !PAGE.includes(`\`${name}\``));
    expect([path, missing]).toEqual([path, []]);
  }
});
