import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPostgres } from '../../src/adapters/postgres.ts';
import { failureOf } from '../actions/context.ts';
import { haveParts } from './parts.ts';
import { type RealPostgres, startPostgres, SUPERUSER } from './postgres.ts';
import { until } from './until.ts';

const WAIT = { timeout_ms: 15_000 };

describe.skipIf(!haveParts('postgres'))('a connection to a real PostgreSQL', () => {
  let server: RealPostgres;
  let admin: Client;
  beforeAll(async () => {
    server = await startPostgres();
    admin = new Client(server.url('postgres', SUPERUSER));
    await admin.connect();
    await admin.query('create role healer login');
  });
  afterAll(async () => {
    await admin?.end();
    await server?.stop();
  });

  function connect(url: string, signal: AbortSignal = AbortSignal.timeout(10_000)) {
    return createPostgres(() => ({ crm: { url, url_file: null } })).connect('crm', signal);
  }
  function own(): string {
    return server.url('postgres', 'healer');
  }
  async function untilSleeping(): Promise<number> {
    return await until(
      'it sleeps',
      async () => {
        const found = await admin.query(
          "select pid from pg_stat_activity where usename = 'healer' and query ~ 'pg_sleep' and state = 'active'",
        );
        return (found.rows[0] as { pid: number } | undefined)?.pid;
      },
      WAIT,
    );
  }

  test('is named, limited in time, and cut by an abort', async () => {
    const abort = new AbortController();
    const db = await connect(own(), abort.signal);
    const [shown] = await db.query(
      "select current_setting('application_name') as name, current_setting('statement_timeout') as limit",
      [],
    );
    expect(shown).toEqual({ name: 'autoheal', limit: '10s' });
    const sleeping = failureOf(db.query('select pg_sleep(8)', []));
    const pid = await untilSleeping();
    abort.abort();
    expect(await sleeping).toMatchObject({ code: 'timeout' });
    await db.end();
    expect(await failureOf(connect(own(), abort.signal))).toMatchObject({ code: 'timeout' });
    await admin.query('select pg_terminate_backend($1)', [pid]);
  });

  test('that the server ends is unavailable', async () => {
    const db = await connect(own());
    const sleeping = failureOf(db.query('select pg_sleep(8)', []));
    await admin.query('select pg_terminate_backend($1)', [await untilSleeping()]);
    expect(await sleeping).toMatchObject({ code: 'unavailable', retryable: true });
    await db.end();
  });

  test('a statement that takes too long, one without the right, one that is wrong', async () => {
    const db = await connect(own());
    await db.query("set statement_timeout = '50ms'", []);
    const slow = await failureOf(db.query('select pg_sleep(5)', []));
    expect(slow).toMatchObject({ code: 'timeout', retryable: true });
    const right = await failureOf(db.query('select * from pg_authid', []));
    expect(right).toMatchObject({ code: 'forbidden', retryable: false });
    const wrong = await failureOf(db.query('selec 1', []));
    expect(wrong).toMatchObject({ code: 'rejected', retryable: false });
    await db.end();
  });

  test.each([
    ['no such database', () => server.url('nowhere', 'healer'), 'not_configured', false],
    ['no such user', () => server.url('postgres', 'nobody'), 'not_configured', false],
    ['nobody listening', () => 'postgres://healer@127.0.0.1:1/crm', 'unavailable', true],
    ['no TLS there', () => `${own()}?sslmode=verify-full`, 'not_configured', false],
  ])('%s', async (_name, url, code, retryable) => {
    expect(await failureOf(connect(url()))).toMatchObject({ code, retryable });
  });

  test('a host that takes the call and never answers, until nobody waits any more', async () => {
    const { createServer } = await import('node:net');
    const silent = createServer();
    await new Promise<void>((resolve) => {
      silent.listen(0, '127.0.0.1', resolve);
    });
    const { port } = silent.address() as { port: number };
    const signal = AbortSignal.timeout(100);
    const failure = await failureOf(connect(`postgres://healer@127.0.0.1:${port}/crm`, signal));
    expect(failure).toMatchObject({ code: 'timeout', retryable: true });
    silent.close();
  });

  test('the address may stand in a file, and is never shown', async () => {
    const secret = own().replace('healer@', 'healer:s3cret@');
    const files: Record<string, string> = { good: `${secret}\n`, bad: 'mysql://s3cret@h/d' };
    const postgres = createPostgres(
      () => ({
        good: { url: null, url_file: 'good' },
        bad: { url: null, url_file: 'bad' },
        gone: { url: null, url_file: 'gone' },
      }),
      async (path) => files[path] ?? Promise.reject(new Error('ENOENT')),
    );
    const signal = AbortSignal.timeout(10_000);
    const db = await postgres.connect('good', signal);
    expect(await db.query('select $1::int + 1 as n', [1])).toEqual([{ n: 2 }]);
    await db.end();
    for (const name of ['bad', 'gone', 'constructor']) {
      const failure = await failureOf(postgres.connect(name, signal));
      expect(failure).toMatchObject({ code: 'not_configured', retryable: false });
      expect(failure.message).toContain(name);
      expect(failure.message).not.toContain('s3cret');
    }
  });
});
