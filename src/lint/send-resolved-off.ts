import { problemAt } from '../core/rules/yaml-source.ts';
import type { Lint } from './lint.ts';
import { servingWebhooks } from './reach.ts';

/** Nothing would ever resolve: no lease ends early, no episode closes. */
export const sendResolvedOff: Lint = {
  id: 'send-resolved-off',
  severity: 'error',
  check(of) {
    const { alertmanager } = of;
    if (alertmanager === undefined) return [];
    return servingWebhooks(of)
      .filter((webhook) => !webhook.send_resolved)
      .map(({ receiver, path }) =>
        problemAt(
          alertmanager.source,
          [...path, 'send_resolved'],
          `receiver ${receiver} does not tell autoheal what resolved: no lease ends early and no episode closes`,
          'write send_resolved: true',
        ),
      );
  },
};
