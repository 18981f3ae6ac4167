import { problemAt } from '../core/rules/yaml-source.ts';
import type { Lint } from './lint.ts';
import { servingWebhooks } from './reach.ts';

/** The alerts beyond the limit are cut off, the same ones every time, and count as sent. */
export const maxAlertsSet: Lint = {
  id: 'max-alerts-set',
  severity: 'error',
  check(of) {
    const { alertmanager } = of;
    if (alertmanager === undefined) return [];
    return servingWebhooks(of)
      .filter((webhook) => webhook.max_alerts !== 0)
      .map(({ receiver, path, max_alerts }) =>
        problemAt(
          alertmanager.source,
          [...path, 'max_alerts'],
          `receiver ${receiver} sends ${max_alerts} alerts of a group and cuts off the rest, which counts as sent`,
          'write max_alerts: 0, which is no limit',
        ),
      );
  },
};
