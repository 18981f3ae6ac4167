import type { Access, RouteInfo } from './route.ts';

export interface KnownPath {
  readonly path: string;
  readonly access: Access;
  /** The methods it takes; HEAD wherever GET is. */
  readonly allow: readonly string[];
}
export interface PathTable {
  find(path: string): KnownPath | undefined;
}

/** For requests that no route took: is the path known by another method? */
export function createPathTable(routes: readonly RouteInfo[]): PathTable {
  const by_path = Map.groupBy(routes, (route) => route.path);
  const known = [...by_path].map(([path, group]) => ({
    pattern: patternOf(path),
    path,
    access: group[0]?.access ?? 'viewer',
    allow: group.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])),
  }));
  return {
    find: (path) => known.find(({ pattern }) => pattern.test(path.replace(/\/{2,}/g, '/'))),
  };
}

/** Our own paths only, with one non-greedy part for each parameter: linear time. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+').replace(/\/$/, '')}/?$`);
}
