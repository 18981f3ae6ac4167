import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import cancelQueries from '../../actions/cancel-queries.ts';
import type { ActionContext } from '../../src/action.ts';
import { createPostgres } from '../../src/adapters/postgres.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { Target } from '../../src/core/healing/remediation.ts';
import { contextOf, failureOf, one } from '../actions/context.ts';
import { haveParts } from './parts.ts';
import { type RealPostgres, startPostgres, SUPERUSER } from './postgres.ts';
import { until } from './until.ts';

const WAIT = { timeout_ms: 15_000 };

describe.skipIf(!haveParts('postgres'))('cancel_queries on a real PostgreSQL', () => {
  let server: RealPostgres;
  let admin: Client;
  const clients: Client[] = [];

  beforeAll(async () => {
    server = await startPostgres();
    admin = new Client(server.url('postgres', SUPERUSER));
    await admin.connect();
    for (const sql of [
      'create database crm',
      'create role app login',
      'create role batch login',
      'create role healer login',
      'create role stranger login',
      'grant pg_read_all_stats, pg_signal_backend to healer',
    ])
      await admin.query(sql);
    const crm = new Client(server.url('crm', SUPERUSER));
    await crm.connect();
    await crm.query('create table rows (id int primary key, name text)');
    await crm.query("insert into rows values (1, 'Ada')");
    await crm.query('grant all on rows to app, batch');
    await crm.end();
  });
  afterAll(async () => {
    await admin?.end();
    await server?.stop();
  });
  beforeEach(() => clients.splice(0));
  afterEach(async () => {
    // A server that sleeps does not notice that its client has gone.
    await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'crm'",
    );
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
    await until('all sessions are gone', async () => (await sessions()) === 0, WAIT);
  });

  async function sessions(): Promise<number> {
    const found = await admin.query(
      "select count(*)::int as n from pg_stat_activity where datname = 'crm'",
    );
    return (found.rows[0] as { n: number }).n;
  }

  /** A session of an application. */
  async function session(user: string, application_name: string): Promise<Session> {
    const client = new Client({
      connectionString: server.url('crm', user),
      application_name,
    });
    client.on('error', () => undefined);
    clients.push(client);
    await client.connect();
    const found = await client.query('select pg_backend_pid() as pid');
    const { pid } = found.rows[0] as { pid: number };
    return {
      pid,
      client,
      begin(sql) {
        const ended = client.query(sql).then(
          () => 'done',
          (error: { code?: string; message: string }) => error.code ?? error.message,
        );
        return { ended };
      },
      state: async () => {
        const row = await admin.query(
          'select state, wait_event_type from pg_stat_activity where pid = $1',
          [pid],
        );
        return row.rows[0] as { state: string; wait_event_type: string | null } | undefined;
      },
    };
  }
  interface Session {
    readonly pid: number;
    readonly client: Client;
    begin(sql: string): { readonly ended: Promise<string> };
    state(): Promise<{ state: string; wait_event_type: string | null } | undefined>;
  }

  function ctx(user = 'healer', attempt = 1): ActionContext {
    const postgres = createPostgres(() => ({
      crm: { url: server.url('crm', user), url_file: null },
    }));
    return contextOf({
      attempt,
      clients: { postgres: (name, signal) => postgres.connect(name, signal) },
    });
  }
  function given(more: object) {
    return cancelQueries.params.parse({ database: 'crm', ...more });
  }
  /** A query that has run for more than the shortest time that can be asked for. */
  async function slow(
    user = 'app',
    application = 'shop',
  ): Promise<Session & { ended: Promise<string> }> {
    const found = await session(user, application);
    const { ended } = found.begin(
      "select pg_sleep(60), 'Ada Lovelace' as name, 987654321098 as answer",
    );
    await until(
      'the query is old enough',
      async () => {
        const row = await admin.query(
          `select 1 from pg_stat_activity where pid = $1 and state = 'active'
             and clock_timestamp() - query_start > interval '1.1 s'`,
          [found.pid],
        );
        return row.rowCount === 1;
      },
      WAIT,
    );
    return { ...found, ended };
  }
  const PARAMS = { older_than: '1s' };

  test('cancels a long query, and nothing else', async () => {
    const old = await slow();
    const bystander = await session('app', 'shop');
    const params = given(PARAMS);
    const target = one(await cancelQueries.resolve(params, ctx()));
    expect(target).toMatchObject({
      parents: ['postgres/crm'],
      name: `crm pid ${old.pid}`,
      opted_in: true,
      desired: null,
      cmd: `psql crm -c 'select pg_cancel_backend(${old.pid})'`,
    });
    expect(target.id).toMatch(new RegExp(`^postgres/crm/pid/${old.pid}@\\d{13}$`));
    expect(JSON.stringify(target)).not.toMatch(/Ada|987654321098/);
    expect(await cancelQueries.preview(params, target, ctx())).toMatch(
      /^cancel the query of crm pid/,
    );
    expect((await old.state())?.state).toBe('active');
    expect(await cancelQueries.verify?.(params, target, {}, ctx())).toBe('pending');
    expect(await cancelQueries.probe?.(params, target, ctx())).toBe('not_done');

    expect(await cancelQueries.execute(params, target, ctx())).toMatchObject({
      result: 'cancelled',
      pid: old.pid,
      application: 'shop',
      user: 'app',
      state: 'active',
      query: 'select pg_sleep(?), ? as name, ? as answer',
    });
    expect(await old.ended).toBe('57014');
    await until(
      'it is told as healthy',
      async () => (await cancelQueries.verify?.(params, target, {}, ctx())) === 'healthy',
      WAIT,
    );
    expect(await cancelQueries.probe?.(params, target, ctx())).toBe('done');
    expect(await bystander.begin('select 1').ended).toBe('done');
  });

  test('never hits another query of the same session', async () => {
    const old = await slow();
    const params = given(PARAMS);
    const target = one(await cancelQueries.resolve(params, ctx()));
    await admin.query('select pg_cancel_backend($1)', [old.pid]);
    expect(await old.ended).toBe('57014');
    const next = old.begin('select pg_sleep(2)');
    await until('the next query runs', async () => (await old.state())?.state === 'active', WAIT);
    expect(await cancelQueries.execute(params, target, ctx())).toMatchObject({
      result: 'ended_by_itself',
    });
    expect(await next.ended).toBe('done');
  });

  test('never hits another process with the same pid', async () => {
    const old = await slow();
    const params = given(PARAMS);
    const target = one(await cancelQueries.resolve(params, ctx()));
    const other: Target = {
      ...target,
      observed: { ...(target.observed as JsonObject), backend_start_us: '1700000000000000' },
    };
    const done = await cancelQueries.execute(params, other, ctx());
    expect(done).toMatchObject({ result: 'ended_by_itself' });
    expect((await old.state())?.state).toBe('active');
  });

  test('of queries that wait for each other it finds the one that holds them up', async () => {
    const holder = await session('app', 'shop');
    await holder.client.query('begin');
    await holder.client.query("update rows set name = 'x' where id = 1");
    const first = await session('batch', 'report');
    const waits = first.begin("update rows set name = 'y' where id = 1");
    const second = await session('batch', 'report');
    const waits_too = second.begin("update rows set name = 'z' where id = 1");
    for (const waiting of [first, second])
      await until(
        'it waits',
        async () => (await waiting.state())?.wait_event_type === 'Lock',
        WAIT,
      );

    // The holder runs nothing: there is no query to cancel, and the message says what would help.
    const cancel = given({ blocking: true });
    const failure = await failureOf(cancelQueries.resolve(cancel, ctx()));
    expect(failure).toMatchObject({ code: 'conflict' });
    expect(failure.message).toContain('terminate: true');

    const params = given({ blocking: true, terminate: true });
    const target = one(await cancelQueries.resolve(params, ctx()));
    expect(target.name).toBe(`crm pid ${holder.pid}`);
    expect(await cancelQueries.execute(params, target, ctx())).toMatchObject({
      result: 'terminated',
      state: 'idle in transaction',
    });
    expect(await Promise.all([waits.ended, waits_too.ended])).toEqual(['done', 'done']);
    expect(await holder.state()).toBeUndefined();
    expect(await cancelQueries.verify?.(params, target, {}, ctx())).toBe('healthy');
  });

  test('spares superusers unless they are named, and always itself', async () => {
    const root = await slow(SUPERUSER, 'console');
    const own = await slow('app', 'autoheal');
    expect((await failureOf(cancelQueries.resolve(given(PARAMS), ctx()))).code).toBe('not_found');
    const named = given({ ...PARAMS, user: SUPERUSER });
    const target = one(await cancelQueries.resolve(named, ctx()));
    expect(target.name).toBe(`crm pid ${root.pid}`);
    // A role that is none itself is refused by the server, and that is said.
    expect(await failureOf(cancelQueries.execute(named, target, ctx()))).toMatchObject({
      code: 'forbidden',
      retryable: false,
    });
    expect((await own.state())?.state).toBe('active');
  });

  test('application, user and max narrow it down', async () => {
    const [a, b, c] = [
      await slow('app', 'shop'),
      await slow('batch', 'shop'),
      await slow('app', 'report'),
    ];
    async function found(more: object): Promise<readonly string[]> {
      const targets = await cancelQueries.resolve(given({ ...PARAMS, ...more }), ctx());
      return targets.map((target) => target.name.replace('crm pid ', ''));
    }
    const pids = [a, b, c].map(({ pid }) => String(pid));
    // The oldest first.
    expect(await found({})).toEqual(pids);
    expect(await found({ application: 'shop' })).toEqual([pids[0], pids[1]]);
    expect(await found({ user: 'app' })).toEqual([pids[0], pids[2]]);
    expect(await found({ max: 1 })).toEqual([pids[0]]);
    expect((await failureOf(found({ application: 'sho%' }))).code).toBe('not_found');
    expect((await failureOf(found({ older_than: '1h' }))).code).toBe('not_found');
  });

  test('a user who may not see the sessions is told which right is missing', async () => {
    await slow();
    const failure = await failureOf(cancelQueries.resolve(given(PARAMS), ctx('stranger')));
    expect(failure).toMatchObject({ code: 'forbidden' });
    expect(failure.message).toContain('pg_read_all_stats');
  });
});
