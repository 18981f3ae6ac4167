import { expect, test } from 'vitest';
import { compilePolicy } from '../../src/core/rules/policy-compile.ts';
import type { RuleSet } from '../../src/core/rules/rule.ts';
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

async function peer(original: string, headers = {}): Promise<string> {
  const body = { versionInfo: { version: '0.25.0' }, config: { original } };
  return await pages({ '/api/v2/status': body }, headers);
}
async function check(config: string, headers = {}, policy = ''): Promise<readonly string[]> {
  const env = { ...TOKENS, AUTOHEAL_ALERTMANAGER_URL: await peer(config, headers) };
  return linesOf(await checkAlertmanager({ ...installation(env), rules: underPolicy(policy) }));
}
function underPolicy(text: string): RuleSet {
  const { policy } = compilePolicy({ file: 'autoheal.yaml', text });
  if (policy === undefined) throw new Error('the policy of the test does not compile');
  return { version: '', rules: [], policy, loaded_at: 0 };
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
  expect((await check('route: [')).at(-1)).toMatch(
    /^fail: the configuration that it shows cannot be read: Flow sequence[^]* -> run amtool/,
  );
});

test('of several each is asked, and each sentence says of which', async () => {
  const free = await freePort();
  const urls = [await peer(GOOD), await peer(changed('max_alerts: 0', 'max_alerts: 10'))];
  const AUTOHEAL_ALERTMANAGER_URL = [...urls, `http://127.0.0.1:${free}`].join(',');
  const of = installation({ ...TOKENS, AUTOHEAL_ALERTMANAGER_URL });
  const lines = linesOf(await checkAlertmanager(of));
  const [first = '', second = ''] = urls.map((url) => new URL(url).host);
  expect(lines.filter((line) => line.includes('Alertmanager 0.25.0'))).toHaveLength(2);
  expect(lines.filter((line) => !line.startsWith('ok'))).toEqual([
    expect.stringMatching(new RegExp(`^fail: ${second}: receiver autoheal: max_alerts is 10`)),
    expect.stringMatching(new RegExp(`^fail: 127\\.0\\.0\\.1:${free}: .*ECONNREFUSED`)),
  ]);
  expect(lines).toContain(
    `ok: ${first}: receiver autoheal: webhook and 1 route(s) as they should be`,
  );
});

test('the receivers that the policy names are there', async () => {
  const policy = (names: string) => `alertmanager: { receivers: [${names}] }\n`;
  expect(await check(GOOD, {}, policy('autoheal, heartbeat'))).toContain(
    'ok: it has the receivers of the policy: autoheal, heartbeat',
  );
  expect(await check(GOOD, {}, policy('autoheal, autohael'))).toContain(
    'fail: it has no receiver autohael, which alertmanager.receivers of the policy names -> correct the policy; its receivers are: human, heartbeat, autoheal',
  );
});

const EXPECTED = 'watchdog: { within: 10m }\n';
test.each([
  ['too rarely', GOOD, /^warn: the route that brings the Watchdog repeats it too rarely.*10m/],
  [
    'often enough',
    GOOD.replace('receiver: heartbeat\n', 'receiver: heartbeat\n      repeat_interval: 2m\n'),
    /^ok: a route brings the Watchdog here/,
  ],
  [
    'by a route that takes everything',
    'route: { receiver: autoheal, repeat_interval: 5m }\nreceivers: [{ name: autoheal, webhook_configs: [{ url: "http://h:9009/webhook" }] }]\n',
    /^ok: a route brings the Watchdog here/,
  ],
  [
    'by none',
    GOOD.replace('alertname="Watchdog"', 'alertname="Watchcat"'),
    /^warn: no route names Watchdog for autoheal, and the policy expects it within 10m.* -> add a route/,
  ],
  [
    'by one that leads elsewhere',
    GOOD.replace('receiver: heartbeat\n', 'receiver: human\n'),
    /^warn: no route names Watchdog/,
  ],
])('the Watchdog that the policy expects comes %s', async (_name, config, expected) => {
  const line = (await check(config, {}, EXPECTED)).at(-1);
  expect(line).toMatch(expected);
  // Where the policy expects none, nothing is said.
  expect((await check(config)).filter((said) => said.includes('Watchdog'))).toEqual([]);
});
