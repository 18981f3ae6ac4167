import { problemAt } from '../core/rules/yaml-source.ts';
import type { Lint } from './lint.ts';
import { servingWebhooks } from './reach.ts';

/** A redirect turns the POST into a GET without a body; a 200 to that loses the alert. */
export const followRedirectsOn: Lint = {
  id: 'follow-redirects-on',
  severity: 'warning',
  check(of) {
    const { alertmanager } = of;
    if (alertmanager === undefined) return [];
    return servingWebhooks(of)
      .filter((webhook) => webhook.follow_redirects)
      .map(({ receiver, path }) =>
        problemAt(
          alertmanager.source,
          [...path, 'http_config', 'follow_redirects'],
          `receiver ${receiver} follows redirects: one turns the POST into a GET, and the alert is lost`,
          'write http_config: { follow_redirects: false } in the webhook, beside its authorization',
        ),
      );
  },
};
