import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Receiver, startReceiver } from '../fakes/receiver.ts';
import { type Autoheal, startAutoheal } from '../real/autoheal.ts';
import { until } from '../real/until.ts';
import { damage, failingDisk, memoryDisk, noDisks, noFailingDisks, readOnly } from './disks.ts';

/** A database that cannot serve ends in a clear state, never in a lie (DESIGN §3). */

const SOON = { timeout_ms: 30_000 };
const DISK_MIB = 80;
/** Of one delivery. Forty of them are more than SQLite's cache of pages. */
const MANY_BYTES = 300_000;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

interface Setting {
  readonly autoheal: Autoheal;
  readonly receiver: Receiver;
  readonly file: string;
}

/** The service with its database in `folder`, and a rule whose action somebody outside sees. */
async function start(folder: string): Promise<Setting> {
  const receiver = await startReceiver();
  undo.push(() => receiver.close());
  const rules = mkdtempSync(join(tmpdir(), 'autoheal-faults-'));
  undo.push(() => rmSync(rules, { recursive: true, force: true }));
  const rule = `
name: tell
summary: Tells the receiver.
matchers: ['alertname="Tell"']
steps:
  - action: http_request
    with: { url: '${receiver.url}/act', method: PUT }
    verify: { within: 10m, resolved: true }
`;
  writeFileSync(join(rules, 'tell.yaml'), rule);
  const file = join(folder, 'autoheal.db');
  const autoheal = await startAutoheal({
    rules,
    policy: `hosts: ['${receiver.url}']\n`,
    env: { AUTOHEAL_DATABASE_URL: `sqlite:${file}` },
  });
  undo.push(() => autoheal.dispose());
  return { autoheal, receiver, file };
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'autoheal-faults-db-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Posts one alert; its status, and the code of a problem. */
async function post(autoheal: Autoheal, alertname: string, bytes = 0) {
  const startsAt = new Date().toISOString();
  const alert = {
    status: 'firing',
    labels: { alertname },
    annotations: { x: 'x'.repeat(bytes) },
    startsAt,
  };
  const { status, body } = await autoheal.api('/webhook', {
    body: { version: '4', status: 'firing', alerts: [alert] },
  });
  return { status, code: (body as { code?: string }).code };
}

/** Nothing is written now: what is done to the log within a write cannot always be told. */
async function drained(autoheal: Autoheal, alertname: string): Promise<void> {
  const path = `/api/v1/alerts?alertname=${alertname}`;
  const has = async () => JSON.stringify((await autoheal.api(path)).body).includes(alertname);
  await until('it is drained', has, SOON);
}

const REFUSED = { status: 503, code: 'not_stored' };

async function storeUp(autoheal: Autoheal): Promise<number> {
  const page = String((await autoheal.api('/metrics')).body);
  return Number(/^autoheal_store_up (\d)$/m.exec(page)?.[1]);
}

/** Everything that says how it is says that the database does not serve, and why. */
async function expectDown(autoheal: Autoheal, why: RegExp): Promise<void> {
  for (let n = 0; n < 20; n += 1) expect(await post(autoheal, `Storm${n}`)).toEqual(REFUSED);
  const readiness = await autoheal.api('/health/readiness');
  expect(readiness.status).toBe(503);
  expect((readiness.body as { detail: string }).detail).toMatch(why);
  const status = await autoheal.api('/');
  expect(status.body).toMatchObject({
    status: 'degraded',
    components: { database: { status: 'degraded' } },
  });
  expect(await storeUp(autoheal)).toBe(0);
  expect((await autoheal.api('/health/liveness')).status).toBe(200);
  const lines = autoheal.logs().filter(({ msg }) => msg === 'a delivery could not be stored');
  expect(lines).toHaveLength(1);
  expect(JSON.stringify(lines)).toMatch(why);
}

async function expectUp(autoheal: Autoheal): Promise<void> {
  await until(
    'deliveries are taken again',
    async () => (await post(autoheal, 'Again')).status === 202,
    SOON,
  );
  expect((await autoheal.api('/health/readiness')).status).toBe(200);
  expect(await storeUp(autoheal)).toBe(1);
  const page = String((await autoheal.api('/metrics')).body);
  const sockets = /^autoheal_limit_used_ratio\{limit="sockets"\} (\S+)$/m.exec(page)?.[1];
  expect(Number(sockets)).toBeGreaterThan(0);
  expect((await autoheal.api('/api/v1/audit/verify')).body).toMatchObject({ ok: true });
}

/** An alert is accepted, its rule held: the action falls due while the database is away. */
async function acceptHeld(autoheal: Autoheal): Promise<void> {
  const hold = await autoheal.api('/api/v1/holds', {
    body: { rule: 'tell', reason: 'a test', for: '3s' },
  });
  expect(hold.status).toBe(201);
  expect((await post(autoheal, 'Tell')).status).toBe(202);
  await until(
    'the remediation waits',
    async () => {
      const { body } = await autoheal.api('/api/v1/remediations');
      return (body as { items: { reason: string }[] }).items[0]?.reason === 'held';
    },
    SOON,
  );
}

function workerFailed(autoheal: Autoheal): boolean {
  return autoheal
    .logs()
    .some(({ msg, loop }) => msg === 'a round of the loop failed' && loop === 'worker');
}

test('a full disk: 503 and nothing acts; when there is room it goes on by itself', async (ctx) => {
  const why = noDisks();
  ctx.skip(why !== undefined, why);
  const disk = memoryDisk(DISK_MIB);
  undo.push(() => disk.remove());
  const { autoheal, receiver } = await start(disk.folder);
  await acceptHeld(autoheal);
  disk.fill();
  await until(
    'a delivery is refused',
    async () => (await post(autoheal, 'Big', 100_000)).status === 503,
    SOON,
  );
  await expectDown(autoheal, /is full: free space on it/);
  await until('the action fell due', () => workerFailed(autoheal), SOON);
  expect(receiver.posts).toEqual([]);
  expect(await post(autoheal, 'Late')).toEqual(REFUSED);

  disk.free();
  await expectUp(autoheal);
  expect(autoheal.process().hasEnded()).toBeUndefined();
  await until('what was accepted is acted on', () => receiver.posts.length > 0, SOON);
  await until(
    'and its outcome is on disk',
    async () => {
      const { body } = await autoheal.api('/api/v1/audit?kind=action_ok');
      return (body as { items: unknown[] }).items.length === 1;
    },
    SOON,
  );
  expect(receiver.posts).toHaveLength(1);
});

test('a disk that fails and becomes read-only: 503 and nothing acts; on a mended disk a start goes on', async (ctx) => {
  const why = noFailingDisks();
  ctx.skip(why !== undefined, why);
  const disk = failingDisk(DISK_MIB);
  undo.push(() => disk.remove());
  const { autoheal, receiver } = await start(disk.folder);
  await acceptHeld(autoheal);
  disk.fail();
  await until(
    'a delivery is refused',
    async () => (await post(autoheal, 'Any')).status === 503,
    SOON,
  );
  await expectDown(autoheal, /fails to read or write|cannot be written/);
  await until('the action fell due', () => workerFailed(autoheal), SOON);
  expect(receiver.posts).toEqual([]);

  expect(await autoheal.stop()).toMatchObject({ code: 0 });
  disk.repair();
  await autoheal.restart();
  await expectUp(autoheal);
  await until('what was accepted is acted on', () => receiver.posts.length === 1, SOON);
});

test('a read-only file system at the start: it does not start, and says why', async (ctx) => {
  const why = noDisks();
  ctx.skip(why !== undefined, why);
  const folder = temporary();
  const first = await start(folder);
  await first.autoheal.stop();
  const view = readOnly(folder);
  undo.push(() => view.remove());
  await expect(start(view.folder)).rejects.toThrow(/cannot be written.*mounted read-only/);
});

test('a second process on the same file does not start, says why, and does not disturb the first', async () => {
  const folder = temporary();
  const { autoheal } = await start(folder);
  await expect(start(folder)).rejects.toThrow(/in use by another autoheal/);
  await expectUp(autoheal);
});

test('a damaged file: found by a read, then nothing is written until it is mended and restarted', async () => {
  const { autoheal, receiver, file } = await start(temporary());
  for (let n = 0; n < 40; n += 1) await post(autoheal, 'Fill', MANY_BYTES);
  // A start begins with an empty cache and an empty log: what it reads is in the file.
  await autoheal.stop();
  const backup = join(temporary(), 'backup.db');
  copyFileSync(file, backup);
  await autoheal.restart();
  damage(file);
  await until(
    'a read or a write finds the damage',
    async () => (await autoheal.api('/api/v1/deliveries?limit=1000')).status >= 500,
    SOON,
  );
  await expectDown(autoheal, /is damaged: restore it from a backup/);
  expect(await post(autoheal, 'Tell')).toEqual(REFUSED);
  expect(receiver.posts).toEqual([]);

  await autoheal.kill9();
  await expect(autoheal.restart()).rejects.toThrow(/is damaged|is not a database/);
  rmSync(`${file}-wal`, { force: true });
  copyFileSync(backup, file);
  await autoheal.restart();
  await expectUp(autoheal);
});

test.each([
  ['its log is cut', (file: string) => truncateSync(`${file}-wal`, 100), /-wal was cut/],
  ['its log is removed', (file: string) => rmSync(`${file}-wal`), /-wal was removed/],
  ['the file is removed', (file: string) => rmSync(file), /was removed or replaced/],
])(
  '%s under a running service: it takes nothing more, and says that a restart is needed',
  async (_, harm, why) => {
    const { autoheal, file } = await start(temporary());
    expect((await post(autoheal, 'Some')).status).toBe(202);
    await drained(autoheal, 'Some');
    harm(file);
    await until(
      'a delivery is refused',
      async () => (await post(autoheal, 'Any')).status === 503,
      SOON,
    );
    await expectDown(autoheal, why);
    expect(JSON.stringify((await autoheal.api('/health/readiness')).body)).toMatch(
      /restart autoheal/,
    );
    await autoheal.kill9();
    await autoheal.restart();
    await expectUp(autoheal);
  },
);

test('a log that a crash left cut: what is before the cut is there, in order, and verifies', async () => {
  const { autoheal, file } = await start(temporary());
  const stored: string[] = [];
  for (let n = 0; n < 50; n += 1) {
    const alert = { status: 'firing', labels: { alertname: `A${n}` } };
    const { body } = await autoheal.api('/webhook', { body: { alerts: [alert] } });
    stored.push((body as { delivery: string }).delivery);
  }
  await autoheal.kill9();
  const wal = `${file}-wal`;
  truncateSync(wal, Math.floor(statSync(wal).size / 2));
  await autoheal.restart();
  await expectUp(autoheal);
  const { body } = await autoheal.api('/api/v1/deliveries?limit=1000');
  const found = (body as { items: { id: string }[] }).items.map(({ id }) => id).toReversed();
  const kept = found.filter((id) => stored.includes(id));
  expect(kept).toEqual(stored.slice(0, kept.length));
  expect(kept.length).toBeLessThan(stored.length);
});
