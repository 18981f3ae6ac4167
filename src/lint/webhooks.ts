import type { Path, YamlSource } from '../core/rules/yaml-source.ts';
import { flagOf, listOf, mapOf, textOf } from './values.ts';

/** A webhook of a receiver of Alertmanager. */
export interface Webhook {
  readonly receiver: string;
  readonly path: Path;
  /** Does it lead to autoheal? `maybe`: its address is in another file. */
  readonly ours: 'yes' | 'no' | 'maybe';
  readonly send_resolved: boolean;
  readonly max_alerts: number;
  readonly follow_redirects: boolean;
}

/** Every webhook of alertmanager.yml; `url` as in `readAlertmanager`. */
export function webhooksOf(source: YamlSource, url: string | undefined): readonly Webhook[] {
  const config = mapOf(source.value);
  const general = mapOf(config['global'])['http_config'];
  return listOf(config['receivers']).flatMap((receiver, at) =>
    listOf(mapOf(receiver)['webhook_configs']).map((value, index): Webhook => {
      const webhook = mapOf(value);
      const http = mapOf(webhook['http_config'] ?? general);
      return {
        receiver: textOf(mapOf(receiver)['name']),
        path: ['receivers', at, 'webhook_configs', index],
        ours: oursOf(textOf(webhook['url']), url),
        send_resolved: flagOf(webhook['send_resolved']) ?? true,
        max_alerts: Number(textOf(webhook['max_alerts']) || '0'),
        follow_redirects: flagOf(http['follow_redirects']) ?? true,
      };
    }),
  );
}

function oursOf(address: string, url: string | undefined): Webhook['ours'] {
  if (address === '') return 'maybe';
  if (url !== undefined) return sameAddress(address, url) ? 'yes' : 'no';
  return URL.canParse(address) && /\/webhook\/?$/.test(new URL(address).pathname) ? 'yes' : 'no';
}

function sameAddress(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) ? new URL(a).href === new URL(b).href : a === b;
}
