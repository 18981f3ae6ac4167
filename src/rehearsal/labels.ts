import type { Labels } from '../core/json.ts';

/** Has `labels` all of `some`? */
export function covers(labels: Labels, some: Labels): boolean {
  return Object.entries(some).every(([name, value]) => labels[name] === value);
}
