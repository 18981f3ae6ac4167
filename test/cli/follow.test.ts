import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type AuditDraft, auditEntry } from '../../src/core/audit/audit.ts';
import type { Store } from '../../src/store.ts';
import { useFolder } from '../adapters/store/folder.ts';
import { NOW } from '../http/values.ts';
import { startWorld, type World } from '../http/world.ts';
import { autoheal, type Running, start } from './command.ts';

const SOON = { timeout: 10_000, interval: 10 };
const folder = useFolder();
let world: World;
let store: Store;
const running: Running[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
  await world.close();
});

async function open(): Promise<void> {
  store = await folder.open();
  world = await startWorld({
    limits: { tail_poll_ms: 5 },
    store: { audit: (query) => store.audit(query) },
  });
}

let written = 0;
async function write(draft: Partial<AuditDraft>): Promise<void> {
  const entry = auditEntry(`a-${(written += 1)}`, NOW, { kind: 'action_ok', ...draft });
  await store.commit([{ kind: 'audit', entry }]);
}

function follow(...args: readonly string[]): Running {
  const one = start(world.url, ['audit', '--follow', ...args]);
  running.push(one);
  return one;
}

test('entries come as they are written, filtered; after a lost connection none is missing or twice', async () => {
  await open();
  await write({ rule: 'before', reason: 'r' });
  await write({ rule: 'before-too', reason: 'r' });
  await write({ rule: 'other', reason: 's' });
  const json = follow('--json', '--since', '1h', '--reason', 'r');
  await expect.poll(() => json.stdout(), SOON).toContain('"rule":"before-too"');
  world.app.server.closeAllConnections();
  await write({ rule: 'while-away', reason: 'r' });
  await expect.poll(() => json.stdout(), SOON).toContain('"rule":"while-away"');
  await write({ rule: 'after', reason: 'r' });
  await expect.poll(() => json.stdout(), SOON).toContain('"rule":"after"');
  const rules = json
    .stdout()
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { rule: string }).rule);
  expect(rules).toEqual(['before', 'before-too', 'while-away', 'after']);
  expect(json.stderr()).toBe('autoheal audit: the connection is lost; trying again\n');
});

test('for people: a line an entry, in columns, and what an alert sent steers no terminal', async () => {
  await open();
  await write({
    alertname: 'A\u001B[2J\nB',
    rule: 'ai-errors',
    cmd: 'docker restart a',
    result: 'ok',
    actor: 'token:1a2b3c4d',
  });
  const one = follow('--since', '1h');
  await expect.poll(() => one.stdout(), SOON).toContain('\n');
  expect(one.stdout()).toBe(
    '2026-03-01T12:00:00Z  action_ok           A?[2J B               ai-errors         ok        docker restart a; by token:1a2b3c4d\n',
  );
});

test('what the first connection refuses, and nobody there, end with 1', async () => {
  await open();
  const refused = await autoheal(world.url, ['audit', '--follow', '--kind', 'pausd']);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^autoheal audit: \S+ answered 400: query parameter "kind"/);
  const nobody = await autoheal('http://127.0.0.1:1', ['audit', '--follow']);
  expect(nobody).toMatchObject({ code: 1, stdout: '' });
  expect(nobody.stderr).toMatch(/Is autoheal running\?/);
});

test('a restart is waited for; a refusal of a later connection ends it with 1', async () => {
  await open();
  const asked: (string | undefined)[] = [];
  const answers = [
    [200, 'retry: 5\nid: 7\n\n'],
    [503, '{"detail":"starting"}'],
    [200, 'id: 9\nevent: pause\ndata: {"seq":9}\n\nid: 1'],
    [401, '{"detail":"the token is gone"}'],
  ] as const;
  const service = createServer((request, response) => {
    const [status, text] = answers[asked.length] ?? [500, ''];
    asked.push(request.headers['last-event-id'] as string | undefined);
    response.writeHead(status).end(text);
  }).listen(0, '127.0.0.1');
  await once(service, 'listening');
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  try {
    const ended = await autoheal(url, ['audit', '--follow', '--json']);
    expect(ended).toMatchObject({ code: 1, stdout: '{"seq":9}\n' });
    expect(ended.stderr).toMatch(/answered 401: the token is gone\n$/);
    // What came only in part does not count.
    expect(asked).toEqual([undefined, '7', '7', '9']);
  } finally {
    service.close();
  }
});
