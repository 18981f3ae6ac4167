import { parse } from 'yaml';
import { formatDuration } from '../core/duration.ts';
import { messageOf } from '../adapters/net-errors.ts';
import { ask, listAt, shownUrl, textAt } from './ask.ts';
import { sayClock } from './clock.ts';
import { type Finding, listed, notebook, type Notebook } from './finding.ts';
import { type Installation, serviceUrl } from './installation.ts';
import { type Route, routesOf, type Webhook, webhooksOf } from './routes.ts';

const PAGE = 'docs/alertmanager.md has a receiver and a route to copy';
/** A rule's default max_age, where no rule says another. */
const MAX_AGE_MS = 15 * 60_000;
/** Its own configuration, parsed: a YAML alias of an alias must not fill the memory. */
const ALIASES_MAX = 100;

/** Reachable, and configured so that alerts and their ends reach us. */
export async function checkAlertmanager(of: Installation): Promise<readonly Finding[]> {
  const note = notebook('alertmanager');
  const urls = of.config.alertmanager_urls;
  if (urls.length === 0)
    note.skip(
      'AUTOHEAL_ALERTMANAGER_URL is not set: its route to autoheal was not looked at',
      'set AUTOHEAL_ALERTMANAGER_URL, e.g. http://alertmanager:9093',
    );
  const found = await Promise.all(
    urls.map(async (url) => {
      const own = notebook('alertmanager');
      await checkOne(own, url, of);
      // Of several, each sentence says which: their configurations may differ, and must not.
      const which = urls.length > 1 ? `${new URL(url).host}: ` : '';
      return own.findings().map((finding) => ({ ...finding, what: `${which}${finding.what}` }));
    }),
  );
  return [...note.findings(), ...found.flat()];
}

async function checkOne(note: Notebook, url: string, of: Installation): Promise<void> {
  const answer = await ask(url, '/api/v2/status');
  const version = answer.ok ? textAt(answer.body, 'versionInfo', 'version') : '';
  if (!answer.ok || version === '') {
    const why = answer.ok ? `${shownUrl(url)} answered ${answer.status}` : answer.why;
    note.fail(
      `${why}: no Alertmanager there`,
      'set AUTOHEAL_ALERTMANAGER_URL to its base address, e.g. http://alertmanager:9093',
    );
    return;
  }
  note.ok(`Alertmanager ${version} at ${shownUrl(url)}`);
  sayClock(note, 'Alertmanager', answer.clock_offset_ms);
  try {
    const original = textAt(answer.body, 'config', 'original');
    const config: unknown = parse(original, { maxAliasCount: ALIASES_MAX });
    sayConfig(note, config, of);
    sayReceivers(note, config, of);
  } catch (error) {
    note.fail(
      `the configuration that it shows cannot be read: ${messageOf(error)}`,
      'run amtool check-config on its file',
    );
  }
}

/** Of the policy's names one that Alertmanager does not have is a typo: reconcile would see no alert of it. */
function sayReceivers(note: Notebook, config: unknown, { rules }: Installation): void {
  const wanted = rules?.policy.alertmanager.receivers ?? [];
  if (wanted.length === 0) return;
  const names = new Set(listAt(config, 'receivers').map((one) => textAt(one, 'name')));
  const absent = wanted.filter((name) => !names.has(name));
  if (absent.length === 0) note.ok(`it has the receivers of the policy: ${listed(wanted)}`);
  else
    note.fail(
      `it has no receiver ${listed(absent)}, which alertmanager.receivers of the policy names`,
      `correct the policy; its receivers are: ${listed([...names])}`,
    );
}

function sayConfig(note: Notebook, config: unknown, of: Installation): void {
  const all = webhooksOf(config);
  const ours = all.filter((webhook) => isOurs(webhook, of));
  if (ours.length === 0) {
    const seen = all.length === 0 ? 'no receiver has a webhook' : `its webhooks: ${shownOf(all)}`;
    note.fail(
      `no webhook of it points at autoheal (${seen})`,
      `add a receiver with webhook_configs: [{ url: ${serviceUrl(of)}/webhook }]; ${PAGE}`,
    );
    return;
  }
  const { route } = config as { readonly route?: unknown };
  const routes = routesOf(route);
  for (const webhook of ours) sayWebhook(note, webhook, routes, of);
  const receivers = new Set(ours.map(({ receiver }) => receiver));
  sayWatchdog(
    note,
    routes.filter(({ receiver }) => receivers.has(receiver)),
    of,
  );
}

/** Without the always-firing alert autoheal is blind and begins nothing, where the policy expects it. */
function sayWatchdog(note: Notebook, ours: readonly Route[], { rules }: Installation): void {
  const expected = rules?.policy.watchdog ?? null;
  if (expected === null) return;
  const time = formatDuration(expected.within_ms);
  const bringing = ours.filter(({ watchdog, open }) => watchdog || open);
  if (bringing.some(({ repeat_interval_ms }) => repeat_interval_ms < expected.within_ms))
    note.ok('a route brings the Watchdog here, which the policy expects');
  else if (bringing.length > 0)
    note.warn(
      `the route that brings the Watchdog repeats it too rarely: the policy expects it within ${time}`,
      `write a repeat_interval well below ${time} in it`,
    );
  else
    note.warn(
      `no route names Watchdog for autoheal, and the policy expects it within ${time}: without it autoheal is blind and begins nothing`,
      `add a route with matchers: ['alertname="Watchdog"'] and repeat_interval below that time; ${PAGE}`,
    );
}

/**
 * By its address: the path /webhook, and our port or the host that AUTOHEAL_URL names. Where the address is
 * hidden, by the receiver's name.
 */
function isOurs(webhook: Webhook, of: Installation): boolean {
  if (!URL.canParse(webhook.url)) return /autoheal/i.test(webhook.receiver);
  const url = new URL(webhook.url);
  if (!url.pathname.endsWith('/webhook')) return false;
  const own = URL.canParse(serviceUrl(of)) ? new URL(serviceUrl(of)) : undefined;
  return url.host === own?.host || portOf(url) === of.config.port || /autoheal/i.test(url.hostname);
}

function portOf(url: URL): number {
  const usual = url.protocol === 'https:' ? 443 : 80;
  return url.port === '' ? usual : Number(url.port);
}

/** Hosts only: the path of a webhook can be its password. */
function shownOf(webhooks: readonly Webhook[]): string {
  const shown = webhooks.map(({ receiver, url }) => {
    const where = URL.canParse(url) ? new URL(url).host : 'address hidden';
    return `${receiver} (${where})`;
  });
  return listed(shown);
}

function sayWebhook(
  note: Notebook,
  webhook: Webhook,
  all: readonly Route[],
  of: Installation,
): void {
  const { receiver } = webhook;
  const routes = all.filter((route) => route.receiver === receiver);
  if (routes.length === 0) {
    note.fail(
      `no route leads to receiver ${receiver}`,
      `add under route.routes: { matchers: ['autoheal=~".+"'], receiver: ${receiver}, continue: true, ... }; ${PAGE}`,
    );
    return;
  }
  const heartbeat = routes.every((route) => route.watchdog);
  const before = note.findings().length;
  sayDelivery(note, webhook, heartbeat, of);
  if (!heartbeat) for (const route of routes) sayRoute(note, route, of);
  if (note.findings().length === before)
    note.ok(`receiver ${receiver}: webhook and ${routes.length} route(s) as they should be`);
}

function sayDelivery(
  note: Notebook,
  webhook: Webhook,
  heartbeat: boolean,
  { config }: Installation,
): void {
  const where = `receiver ${webhook.receiver}`;
  if (!URL.canParse(webhook.url))
    note.skip(`${where}: this Alertmanager hides the address; taken for ours by its name`);
  if (!webhook.send_resolved && !heartbeat)
    note.fail(
      `${where}: send_resolved is false: no lease ends early and no episode closes`,
      place('send_resolved: true'),
    );
  if (webhook.max_alerts !== 0)
    note.fail(
      `${where}: max_alerts is ${webhook.max_alerts}: the alerts beyond are cut off and count as sent`,
      place('max_alerts: 0'),
    );
  if (webhook.follow_redirects)
    note.warn(
      `${where}: redirects are followed: one turns the POST into a GET, and the alert is lost`,
      place('http_config: { follow_redirects: false }'),
    );
  const tokens = config.tokens.webhook.length + config.tokens.api.length;
  if (tokens > 0 && !webhook.authorized)
    note.fail(
      `${where}: it sends no token, and autoheal asks for one: every delivery is answered 401`,
      place(
        'http_config: { authorization: { type: Bearer, credentials_file: /etc/alertmanager/autoheal.token } }',
      ),
    );
}

function place(text: string): string {
  return `write ${text} in its webhook_configs`;
}

function sayRoute(note: Notebook, route: Route, { needs }: Installation): void {
  const where = `the route to ${route.receiver}`;
  const max_age_ms = needs.max_age_ms ?? MAX_AGE_MS;
  if (route.group_by.join() !== '...')
    note.warn(
      `${where}: group_by is [${route.group_by.join(', ')}]: one slow or odd alert holds up its whole group`,
      "write group_by: ['...'] in it",
    );
  if (route.repeat_interval_ms > max_age_ms)
    note.warn(
      `${where}: repeat_interval is ${formatDuration(route.repeat_interval_ms)}, and rules act on evidence up to ${formatDuration(max_age_ms)} old (max_age): what waits longer goes stale`,
      'write repeat_interval: 5m in it',
    );
}
