import { formatDuration } from '../core/duration.ts';
import type { Rule } from '../core/rules/rule.ts';
import { problemAt } from '../core/rules/yaml-source.ts';
import type { Route } from './alertmanager.ts';
import type { Lint } from './lint.ts';
import { servingRoutes } from './reach.ts';

/** Repeats are the evidence that an alert still fires; it must not grow too old between two of them. */
export const repeatIntervalLong: Lint = {
  id: 'repeat-interval-long',
  severity: 'warning',
  check(of) {
    const { alertmanager } = of;
    if (alertmanager === undefined) return [];
    return servingRoutes(of).flatMap(({ route, rules: served }) => {
      const [first] = served.flatMap(({ rule }) => boundsOf(rule)).toSorted((a, b) => a.ms - b.ms);
      const repeat_ms = repeatOf(route);
      if (first === undefined || repeat_ms <= first.ms) return [];
      const message = `the route to ${route.receiver} repeats an alert every ${formatDuration(repeat_ms)}, and ${first.what} of rule ${first.rule} is ${formatDuration(first.ms)}`;
      const fix = `write a repeat_interval well below ${formatDuration(first.ms)}, like 5m`;
      const path = route.repeat_interval.path ?? [...route.path, 'repeat_interval'];
      return [problemAt(alertmanager.source, path, message, fix)];
    });
  },
};

interface Bound {
  readonly rule: string;
  readonly what: string;
  readonly ms: number;
}

function boundsOf({ name, guard, steps }: Rule): readonly Bound[] {
  const leases = steps.flatMap(({ lease_ms }) =>
    lease_ms === null ? [] : [{ rule: name, what: 'a lease', ms: lease_ms }],
  );
  return [{ rule: name, what: 'max_age', ms: guard.max_age_ms }, ...leases];
}

/** Alertmanager looks at a group every group_interval, so it repeats at the first look that is late enough. */
function repeatOf({ group_interval, repeat_interval }: Route): number {
  const looks = Math.ceil(repeat_interval.ms / Math.max(1, group_interval.ms));
  return looks * Math.max(1, group_interval.ms);
}
