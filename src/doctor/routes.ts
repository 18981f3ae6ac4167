import { parseDuration } from '../core/duration.ts';
import { at, listAt, textAt } from './ask.ts';

/** One route of alertmanager.yml with what it inherits. */
export interface Route {
  readonly receiver: string;
  readonly group_by: readonly string[];
  /** Ms. */
  readonly repeat_interval_ms: number;
  /** Only Prometheus's always-firing Watchdog takes it. */
  readonly watchdog: boolean;
  /** It takes every alert that reaches it, and so do those above it. */
  readonly open: boolean;
}
/** Alertmanager's defaults. */
const ROOT: Route = {
  receiver: '',
  group_by: [],
  repeat_interval_ms: 4 * 3_600_000,
  watchdog: false,
  open: true,
};
/** Nobody nests routes deeper; a configuration from outside must not recurse without a bound. */
const DEPTH_MAX = 50;

/** Every route that can take an alert, the root's included. */
export function routesOf(root: unknown): readonly Route[] {
  return walk(root, ROOT, 0);
}

function walk(node: unknown, above: Route, depth: number): readonly Route[] {
  if (depth > DEPTH_MAX || typeof node !== 'object' || node === null) return [];
  const groups = listAt(node, 'group_by').map(String);
  const repeat_ms = parseDuration(textAt(node, 'repeat_interval'));
  const route: Route = {
    receiver: textAt(node, 'receiver') || above.receiver,
    group_by: groups.length > 0 ? groups : above.group_by,
    repeat_interval_ms: repeat_ms ?? above.repeat_interval_ms,
    watchdog: above.watchdog || takesWatchdog(node),
    open: above.open && takesAll(node),
  };
  const below = listAt(node, 'routes').flatMap((child) => walk(child, route, depth + 1));
  return [route, ...below];
}

function takesWatchdog(node: unknown): boolean {
  const matchers = listAt(node, 'matchers').map(String);
  const named = matchers.some((text) => /^\s*"?alertname"?\s*=\s*"?Watchdog"?\s*$/.test(text));
  return named || textAt(node, 'match', 'alertname') === 'Watchdog';
}

function takesAll(node: unknown): boolean {
  const conditions = ['match', 'match_re'].flatMap((key) => Object.keys(at(node, key) ?? {}));
  return listAt(node, 'matchers').length + conditions.length === 0;
}

/** One webhook of a receiver. */
export interface Webhook {
  readonly receiver: string;
  /** Hidden by Alertmanager 0.26 and newer. */
  readonly url: string;
  readonly send_resolved: boolean;
  readonly max_alerts: number;
  readonly follow_redirects: boolean;
  readonly authorized: boolean;
}

export function webhooksOf(config: unknown): readonly Webhook[] {
  const general = at(config, 'global', 'http_config');
  return listAt(config, 'receivers').flatMap((receiver) =>
    listAt(receiver, 'webhook_configs').map((webhook) => {
      const http = at(webhook, 'http_config') ?? general;
      const max = at(webhook, 'max_alerts');
      return {
        receiver: textAt(receiver, 'name'),
        url: textAt(webhook, 'url'),
        send_resolved: at(webhook, 'send_resolved') !== false,
        max_alerts: typeof max === 'number' ? max : 0,
        follow_redirects: at(http, 'follow_redirects') !== false,
        authorized: at(http, 'authorization') !== undefined || carriesHeader(http),
      };
    }),
  );
}

/** `http_headers` (0.29 and newer) can carry it too. */
function carriesHeader(http: unknown): boolean {
  const headers = at(http, 'http_headers');
  if (typeof headers !== 'object' || headers === null) return false;
  return Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
}
