import { expect, test } from 'vitest';
import { checkAlertmanager } from '../../src/doctor/alertmanager.ts';
import { freePort } from '../real/ready.ts';
import { installation, linesOf, pages } from './world.ts';

const GOOD = `
route:
  receiver: human
  group_by: [alertname]
  routes:
    - matchers: ['alertname="Watchdog"']
      receiver: heartbeat
    - matchers: ['autoheal=~".+"']
      receiver: autoheal
      group_by: ['...']
      repeat_interval: 5m
receivers:
  - name: human
  - name: heartbeat
    webhook_configs:
      - url: http://heal.example:9009/webhook
        send_resolved: false
        http_config: { follow_redirects: false, authorization: { type: Bearer, credentials: <secret> } }
  - name: autoheal
    webhook_configs:
      - url: http://heal.example:9009/webhook
        send_resolved: true
        max_alerts: 0
        http_config: { follow_redirects: false, authorization: { type: Bearer, credentials: <secret> } }
`;
const TOKENS = { AUTOHEAL_WEBHOOK_TOKEN: 'a-token-of-this-test' };

async function check(config: string, headers = {}): Promise<readonly string[]> {
  const original = config;
  const body = { versionInfo: { version: '0.25.0' }, config: { original } };
  const url = await pages({ '/api/v2/status': body }, headers);
  const env = { ...TOKENS, AUTOHEAL_ALERTMANAGER_URL: url };
  return linesOf(await checkAlertmanager(installation(env)));
}
/** The last receiver's webhook, and its route, with one thing changed. */
function changed(from: string, to: string): string {
  const at = GOOD.lastIndexOf(from);
  if (at < 0) throw new Error(`not in the configuration: ${from}`);
  return GOOD.slice(0, at) + to + GOOD.slice(at + from.length);
}

test('one that is as it should be; a heartbeat may leave resolves out', async () => {
  expect(await check(GOOD)).toEqual([
    expect.stringMatching(/^ok: Alertmanager 0\.25\.0 at http:/),
    'ok: receiver heartbeat: webhook and 1 route(s) as they should be',
    'ok: receiver autoheal: webhook and 1 route(s) as they should be',
  ]);
});

test.each([
  [
    'send_resolved: true',
    'send_resolved: false',
    /^fail: .*send_resolved is false.* -> write send_resolved: true/,
  ],
  ['max_alerts: 0', 'max_alerts: 10', /^fail: .*max_alerts is 10.* -> write max_alerts: 0/],
  [
    'follow_redirects: false',
    'follow_redirects: true',
    /^warn: .*redirects are followed.* -> .*follow_redirects: false/,
  ],
  [
    ', authorization: { type: Bearer, credentials: <secret> }',
    '',
    /^fail: .*it sends no token.* -> .*credentials_file/,
  ],
  [
    "group_by: ['...']",
    'group_by: [alertname, job]',
    /^warn: .*group_by is \[alertname, job\].* -> write group_by: \['\.\.\.'\]/,
  ],
  [
    'repeat_interval: 5m',
    'repeat_interval: 4h',
    /^warn: .*repeat_interval is 4h.*15m old \(max_age\).* -> write repeat_interval: 5m/,
  ],
  ['      repeat_interval: 5m\n', '', /^warn: .*repeat_interval is 4h/],
])('%s made %j', async (from, to, expected) => {
  const lines = (await check(changed(from, to))).filter((line) => !line.startsWith('ok'));
  expect(lines).toEqual([expect.stringMatching(expected)]);
});

test('what a route inherits counts, and what the global http_config says', async () => {
  const inherited = changed("      group_by: ['...']\n      repeat_interval: 5m\n", '').replace(
    'group_by: [alertname]',
    "group_by: ['...']\n  repeat_interval: 10m",
  );
  expect((await check(inherited)).filter((line) => !line.startsWith('ok'))).toEqual([]);
  const http =
    '{ follow_redirects: false, authorization: { type: Bearer, credentials: <secret> } }';
  const general = `global: { http_config: ${http} }\n${GOOD.replaceAll(`        http_config: ${http}\n`, '')}`;
  expect((await check(general)).filter((line) => !line.startsWith('ok'))).toEqual([]);
});

test('no webhook, one that points elsewhere, and one that no route reaches', async () => {
  const none = 'route: { receiver: human }\nreceivers: [{ name: human }]\n';
  expect((await check(none)).at(-1)).toMatch(/^fail: .*no receiver has a webhook/);
  const elsewhere = GOOD.replaceAll(
    'http://heal.example:9009/webhook',
    'http://chat.example/hooks/S3CRET',
  );
  const line = (await check(elsewhere)).at(-1);
  expect(line).toMatch(
    /^fail: no webhook of it points at autoheal .*autoheal \(chat\.example\).*127\.0\.0\.1:9009\/webhook/,
  );
  expect(line).not.toContain('S3CRET');
  const unreached = GOOD.replace(
    'receiver: autoheal\n      group_by',
    'receiver: human\n      group_by',
  );
  expect((await check(unreached)).at(-1)).toMatch(/^fail: no route leads to receiver autoheal/);
});

test('an address that Alertmanager hides is taken by the name of its receiver, and that is said', async () => {
  const hidden = GOOD.replaceAll('http://heal.example:9009/webhook', '<secret>');
  const lines = await check(hidden);
  expect(lines).toContainEqual(
    expect.stringMatching(/^skip: receiver autoheal: this Alertmanager hides/),
  );
  expect(lines.filter((line) => line.includes('heartbeat'))).toEqual([]);
});

test('its clock, nobody there, not set, and an answer that is no YAML', async () => {
  const date = new Date(Date.now() - 90_000).toUTCString();
  expect(await check(GOOD, { date })).toContainEqual(
    expect.stringMatching(/^warn: the clock of Alertmanager is \d+\.\d s behind/),
  );
  const free = `http://127.0.0.1:${await freePort()}`;
  const nobody = installation({ AUTOHEAL_ALERTMANAGER_URL: free });
  expect(linesOf(await checkAlertmanager(nobody))).toEqual([
    expect.stringMatching(/^fail: .*ECONNREFUSED/),
  ]);
  expect(linesOf(await checkAlertmanager(installation({})))).toEqual([
    expect.stringMatching(/^skip: AUTOHEAL_ALERTMANAGER_URL is not set/),
  ]);
  await expect(check('route: [')).rejects.toThrow('Flow sequence');
});
