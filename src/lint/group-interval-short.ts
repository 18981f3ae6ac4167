import { formatDuration } from '../core/duration.ts';
import { problemAt } from '../core/rules/yaml-source.ts';
import type { Lint } from './lint.ts';
import { servingRoutes } from './reach.ts';

/** Alertmanager gives a delivery at least this long, whatever group_interval says. */
export const GROUP_INTERVAL_MIN_MS = 10_000;

/** A delivery that is slow would meet its own successor. */
export const groupIntervalShort: Lint = {
  id: 'group-interval-short',
  severity: 'warning',
  check(of) {
    const { alertmanager } = of;
    if (alertmanager === undefined) return [];
    const least = formatDuration(GROUP_INTERVAL_MIN_MS);
    return servingRoutes(of)
      .filter(({ route }) => route.group_interval.ms < GROUP_INTERVAL_MIN_MS)
      .map(({ route: { receiver, group_interval, path } }) =>
        problemAt(
          alertmanager.source,
          group_interval.path ?? path,
          `the route to ${receiver} has a group_interval of ${formatDuration(group_interval.ms)}: shorter than the ${least} that a delivery may take`,
          'write group_interval: 15s',
        ),
      );
  },
};
