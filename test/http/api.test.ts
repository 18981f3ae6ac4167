import { afterEach, describe, expect, test } from 'vitest';
import { AutohealError } from '../../src/core/errors.ts';
import { ROUTE_INFOS } from '../../src/http/routes.ts';
import { startWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

describe('every path', () => {
  test('answers 405 with Allow to a method it does not take', async () => {
    world = await startWorld();
    for (const path of new Set(ROUTE_INFOS.map((info) => info.path))) {
      const reply = await world.call('PATCH', path.replace(/\{\w+\}/, 'x'));
      expect([path, reply.status]).toEqual([path, 405]);
      expect(reply.headers.get('allow')).not.toBe('');
    }
  });

  test('that is a GET takes HEAD, with the same length and no body', async () => {
    world = await startWorld();
    for (const path of ['/', '/api/v1/audit', '/health', '/metrics']) {
      const got = await world.call('GET', path);
      const asked = await world.call('HEAD', path);
      expect(asked.status).toBe(200);
      expect(asked.text).toBe('');
      expect(asked.headers.get('content-length')).toBe(String(Buffer.byteLength(got.text)));
    }
  });

  test('that is a GET changes nothing', async () => {
    world = await startWorld();
    const before = structuredClone([
      world.state.pauses,
      world.state.reloads,
      [...world.state.flags],
    ]);
    for (const { method, path } of ROUTE_INFOS) {
      if (method === 'GET') await world.call('GET', path.replace(/\{\w+\}/, 'heuristics-only'));
    }
    expect([world.state.pauses, world.state.reloads, [...world.state.flags]]).toEqual(before);
    expect(world.state.flag_sets).toEqual([]);
    expect(world.state.posts).toEqual([]);
  });

  test('that is unknown is 404, and one that cannot be read 400', async () => {
    world = await startWorld();
    const reply = await world.call('GET', '/api/v1/nothing?x=1');
    expect(reply.body).toMatchObject({
      code: 'not_found',
      detail: 'no such path: /api/v1/nothing',
    });
    expect((await world.call('GET', '/api/v1/flags/%zz')).status).toBe(400);
    expect((await world.call('GET', `/api/v1/flags/${'x'.repeat(300)}`)).status).toBe(404);
    const long = await world.call('GET', `/api/v1/audit?q=${'x'.repeat(9_000)}`);
    expect(long.body.code).toBe('uri_too_long');
  });
});

describe('alerts, deliveries, remediations', () => {
  test('lists pass their filters on', async () => {
    world = await startWorld();
    await world.call('GET', '/api/v1/alerts?state=open&alertname=A&fingerprint=f&limit=5');
    await world.call('GET', '/api/v1/remediations?state=waiting&rule=r&cursor=x');
    await world.call('GET', '/api/v1/deliveries');
    expect(world.state.list_queries).toEqual([
      { state: 'open', alertname: 'A', fingerprint: 'f', limit: 5 },
      { state: 'waiting', rule: 'r', cursor: 'x', limit: 100 },
      { limit: 100 },
    ]);
    expect((await world.call('GET', '/api/v1/alerts?state=firing')).status).toBe(400);
  });

  test('an episode comes with its remediations', async () => {
    world = await startWorld();
    const { body } = await world.call('GET', '/api/v1/alerts/e-1');
    expect(body).toMatchObject({
      id: 'e-1',
      opened_at: '2026-03-01T11:59:56.000Z',
      closed_at: null,
    });
    expect(body.remediations).toMatchObject([{ id: 'r-1', step: 1, plan: { step: 1 } }]);
    expect((await world.call('GET', '/api/v1/alerts/none')).body.code).toBe('not_found');
  });

  test('a remediation comes with its runs and its story, without the bookkeeping', async () => {
    world = await startWorld();
    const { body } = await world.call('GET', '/api/v1/remediations/r-1');
    expect(body.runs).toMatchObject([{ id: 'r-1/1/flag/heuristics-only', step: 1, state: 'ok' }]);
    expect(body.audit).toMatchObject([{ kind: 'action_ok', remediation: 'r-1' }]);
    expect(Object.keys(body)).not.toContain('fence');
    expect(Object.keys(body)).not.toContain('wakes');
    expect((await world.call('GET', '/api/v1/remediations/none')).status).toBe(404);
  });
});

describe('rules', () => {
  test('are listed as they are tried, with the last reload', async () => {
    world = await startWorld();
    const { body } = await world.call('GET', '/api/v1/rules');
    expect(body).toMatchObject({ version: 'v1', last_reload: { ok: true, version: 'v2' } });
    expect(body.items).toMatchObject([
      { name: 'ai-errors', matchers: ['alertname="AIErrorRateHigh"'], guard: { limit: ['3/1h'] } },
    ]);
    expect(body.items[0].text).toBeUndefined();
    const one = await world.call('GET', '/api/v1/rules/ai-errors');
    expect(one.body.text).toBe('name: ai-errors\n');
    expect((await world.call('GET', '/api/v1/rules/none')).status).toBe(404);
  });

  test('are empty before the first good load', async () => {
    world = await startWorld();
    world.state.rules = undefined;
    expect((await world.call('GET', '/api/v1/rules')).body).toMatchObject({
      version: null,
      items: [],
    });
  });

  test('POST /-/reload answers the new version, or 422 with what to correct', async () => {
    world = await startWorld();
    expect((await world.call('POST', '/-/reload')).body).toEqual({
      version: 'v2',
      rules: 1,
      changed: true,
    });
    const problem = { file: 'rules/a.yaml', line: 3, col: 1, length: 4, message: 'm', fix: 'f' };
    world.state.reload = { ok: false, problems: [problem], rendered: 'rules/a.yaml:3:1: m' };
    const bad = await world.call('POST', '/-/reload');
    expect(bad.body).toMatchObject({
      status: 422,
      code: 'rules_rejected',
      problems: [problem],
      rendered: 'rules/a.yaml:3:1: m',
    });
    expect((await world.call('GET', '/api/v1/rules')).body.last_reload.ok).toBe(false);
  });
});

describe('actions, status, chaos', () => {
  test('an action shows the schema of its parameters as a rule writes them', async () => {
    world = await startWorld();
    const { body } = await world.call('GET', '/api/v1/actions');
    expect(body.items).toMatchObject([
      {
        id: 'restart_container',
        leasable: false,
        params: { type: 'object', required: ['container'], additionalProperties: false },
      },
    ]);
  });

  test('GET / and the chaos state', async () => {
    world = await startWorld();
    const { body } = await world.call('GET', '/');
    expect(body).toMatchObject({
      status: 'degraded',
      mode: 'paused',
      pause: { since: '2026-03-01T12:00:00.000Z' },
      components: { docker: { status: 'degraded' } },
    });
    expect((await world.call('GET', '/api/v1/chaos')).body).toEqual(world.state.status.chaos);
  });
});

describe('health', () => {
  test('is 200 when degraded, with memory and disk', async () => {
    world = await startWorld();
    const reply = await world.call('GET', '/health');
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({
      status: 'degraded',
      memory: { rss_bytes: 1e8 },
      disk: { free_bytes: 5e9 },
    });
  });

  test.each(['/health/liveness', '/-/healthy'])('%s follows the worker loop', async (path) => {
    world = await startWorld();
    expect((await world.call('GET', path)).body).toEqual({ status: 'ok' });
    world.state.live = false;
    expect((await world.call('GET', path)).body.code).toBe('not_live');
  });

  test.each(['/health/readiness', '/-/ready'])('%s gives its reasons', async (path) => {
    world = await startWorld();
    expect((await world.call('GET', path)).status).toBe(200);
    world.state.ready = { ready: false, reasons: ['no rules yet'] };
    const reply = await world.call('GET', path);
    expect(reply.body).toMatchObject({ status: 503, reasons: ['no rules yet'] });
  });

  test('/health/startup waits for the first load', async () => {
    world = await startWorld();
    world.state.started = false;
    expect((await world.call('GET', '/health/startup')).body.code).toBe('not_started');
    world.state.started = true;
    expect((await world.call('GET', '/health/startup')).status).toBe(200);
  });

  test('/metrics is what the registry renders', async () => {
    world = await startWorld();
    const reply = await world.call('GET', '/metrics');
    expect(reply.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(reply.text).toContain('up 1');
  });

  test('a route whose store fails is 500 once in the log, without its message', async () => {
    world = await startWorld({
      store: {
        audit: async () => {
          throw new Error('disk I/O error at /secret/path');
        },
        listEpisodes: async () => {
          throw new AutohealError('invalid_request', 'this cursor is not ours');
        },
      },
    });
    const reply = await world.call('GET', '/api/v1/audit');
    expect(reply.body.code).toBe('internal');
    expect(reply.text).not.toContain('secret');
    expect(world.state.logged.map(({ message }) => message)).toEqual([
      'request failed unexpectedly',
    ]);
    expect((await world.call('GET', '/api/v1/alerts?cursor=x')).status).toBe(400);
  });
});
