import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, expect, test } from 'vitest';
import { type App, startApp } from '../../src/app.ts';
import { configOf } from '../environment.ts';
import { type FakeSentry, startSentry } from '../fakes/sentry.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function start(env: Readonly<Record<string, string>>): Promise<App> {
  const folder = mkdtempSync(join(tmpdir(), 'autoheal-reports-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const config = configOf({
    AUTOHEAL_PORT: '0',
    AUTOHEAL_ENV: 'test',
    AUTOHEAL_DATABASE_URL: `sqlite:${join(folder, 'autoheal.db')}`,
    ...env,
  });
  return await startApp(config, '1.2.3', pino({ level: 'silent' }));
}

async function sentry(): Promise<FakeSentry> {
  const made = await startSentry();
  undo.push(() => made.close());
  return made;
}

test('what nobody caught is at Sentry when the service has stopped', async () => {
  const { dsn, events, refused } = await sentry();
  const app = await start({ SENTRY_DSN: dsn });
  undo.push(() => app.close());
  app.fault(new RangeError('a text that may quote planted-secret'));
  await app.close();
  expect(refused).toEqual([]);
  expect(events).toMatchObject([
    {
      release: 'autoheal@1.2.3',
      environment: 'test',
      tags: { where: 'process' },
      exception: { values: [{ type: 'RangeError' }] },
    },
  ]);
  expect(JSON.stringify(events)).not.toContain('planted');
});

test('a client that asks too often is told so, a sender of alerts and a scraper never', async () => {
  const app = await start({ AUTOHEAL_API_RATE_LIMIT: '1' });
  undo.push(() => app.close());
  async function statuses(path: string, options: RequestInit = {}) {
    const found: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      const reply = await fetch(app.url + path, options);
      await reply.arrayBuffer();
      found.push(reply.status);
    }
    return found;
  }
  const headers = { 'content-type': 'application/json' };
  expect(await statuses('/')).toEqual([200, 429, 429]);
  expect(await statuses('/metrics')).toEqual([200, 200, 200]);
  const post = { method: 'POST', headers, body: '{"alerts":[]}' };
  expect(await statuses('/webhook', post)).toEqual([202, 202, 202]);
});
