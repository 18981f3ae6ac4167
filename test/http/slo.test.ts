import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPrometheus } from '../../src/adapters/prometheus.ts';
import { type AuditRecord, auditEntry } from '../../src/core/audit/audit.ts';
import type { AuditQuery } from '../../src/store.ts';
import { type FakePrometheus, startPrometheus } from '../fakes/prometheus.ts';
import { NOW } from './values.ts';
import { startWorld, type World } from './world.ts';

const HOUR_MS = 3_600_000;
const RECORDED =
  '{__name__=~"autoheal:burn_fast|autoheal:burn_slow|autoheal:slo_budget_remaining:ratio30d",drill="false"}';

let world: World;
let prometheus: FakePrometheus;
beforeEach(async () => {
  prometheus = await startPrometheus();
});
afterEach(async () => {
  await world.close();
  await prometheus.close();
});

/** Ends of steps: `bad` of `total` failed. */
function ends(total: number, bad: number): readonly AuditRecord[] {
  return Array.from({ length: total }, (_, n) => ({
    ...auditEntry(`id-${n}`, NOW, {
      kind: n < bad ? 'action_fail' : 'action_ok',
      remediation: `r-${n}`,
      step: 1,
    }),
    seq: n + 1,
    prev_hash: '',
    hash: '',
  }));
}

/** A store whose log has these entries for the last hour, and the others besides in the last six. */
function storeWith(hour: readonly AuditRecord[], more: readonly AuditRecord[] = []) {
  const queries: AuditQuery[] = [];
  return {
    queries,
    async audit(query: AuditQuery) {
      queries.push(query);
      const all = query.since === NOW - HOUR_MS ? hour : [...hour, ...more];
      const from = Number(query.cursor ?? 0);
      const next = from + query.limit;
      return {
        items: all.slice(from, next),
        next_cursor: next < all.length ? String(next) : null,
      };
    },
  };
}

function sloOf(body: { readonly items: readonly { readonly slo: string }[] }, slo: string) {
  return body.items.find((item) => item.slo === slo);
}
function sample(name: string, slo: string, value: string): object {
  return { metric: { __name__: name, slo, drill: 'false' }, value: [1_700_000_000, value] };
}

describe('GET /api/v1/slo', () => {
  test('counts the steps in the audit log and invents nothing else', async () => {
    const store = storeWith(ends(100, 10), ends(100, 0));
    world = await startWorld({ store });
    const { body } = await world.call('GET', '/api/v1/slo');
    expect(body.items.map((item: { slo: string }) => item.slo)).toEqual([
      'availability',
      'webhook_latency',
      'action_success',
      'audit_latency',
    ]);
    expect(sloOf(body, 'action_success')).toMatchObject({
      objective_pct: 99.5,
      budget: 0.005,
      period: '30d',
      burn_fast: { window: '1h', value: 20, source: 'audit', reason: null },
      burn_slow: { window: '6h', source: 'audit' },
      budget_left: { window: '30d', value: null, source: null },
    });
    expect(sloOf(body, 'availability')).toMatchObject({
      burn_fast: {
        value: null,
        source: null,
        reason:
          'Prometheus is not configured: set AUTOHEAL_PROMETHEUS_URL; ask it for autoheal:burn_fast{slo="availability"}',
      },
    });
    expect(store.queries[0]).toEqual({
      kind: ['action_ok', 'action_fail'],
      drill: false,
      since: NOW - HOUR_MS,
      order: 'desc',
      limit: 1_000,
    });
  });

  test('an idle hour burns nothing', async () => {
    world = await startWorld({ store: storeWith([]) });
    const { body } = await world.call('GET', '/api/v1/slo');
    expect(sloOf(body, 'action_success')).toMatchObject({ burn_fast: { value: 0 } });
  });

  test('reads pages up to its bound, and says so beyond it', async () => {
    world = await startWorld({ store: storeWith(ends(5_000, 25), ends(1, 0)) });
    const { body } = await world.call('GET', '/api/v1/slo');
    expect(sloOf(body, 'action_success')).toMatchObject({
      burn_fast: { value: 1, source: 'audit' },
      burn_slow: { value: null, source: null, reason: expect.stringContaining('more than 5000') },
    });
  });

  test('takes what Prometheus recorded, and says what it has not', async () => {
    prometheus.set(RECORDED, {
      resultType: 'vector',
      result: [
        sample('autoheal:burn_fast', 'availability', '0'),
        sample('autoheal:burn_slow', 'availability', '2.5'),
        sample('autoheal:slo_budget_remaining:ratio30d', 'availability', '-0.25'),
        sample('autoheal:burn_fast', 'action_success', '3'),
        sample('autoheal:burn_fast', 'audit_latency', 'NaN'),
        sample('autoheal:burn_slow', 'audit_latency', '+Inf'),
      ],
    });
    const adapter = createPrometheus({ url: prometheus.url, timeout_ms: 5_000 });
    world = await startWorld({ prometheus: adapter, store: storeWith([]) });
    const { body } = await world.call('GET', '/api/v1/slo');
    expect(sloOf(body, 'availability')).toMatchObject({
      burn_fast: { value: 0, source: 'prometheus', reason: null },
      burn_slow: { value: 2.5 },
      budget_left: { value: -0.25 },
    });
    expect(sloOf(body, 'action_success')).toMatchObject({
      burn_fast: { value: 3, source: 'prometheus' },
      burn_slow: { value: 0, source: 'audit' },
    });
    const unsaid = { value: null, reason: expect.stringContaining('has not recorded it') };
    expect(sloOf(body, 'audit_latency')).toMatchObject({ burn_fast: unsaid, burn_slow: unsaid });
    expect(prometheus.requests).toHaveLength(1);
  });

  test('a Prometheus that does not answer is a reason, not an error', async () => {
    prometheus.fail({ status: 503, body: 'starting' });
    const adapter = createPrometheus({ url: prometheus.url, timeout_ms: 5_000 });
    world = await startWorld({ prometheus: adapter, store: storeWith([]) });
    const { status, body } = await world.call('GET', '/api/v1/slo');
    expect(status).toBe(200);
    expect(sloOf(body, 'availability')).toMatchObject({
      burn_fast: { value: null, reason: expect.stringContaining('HTTP 503') },
    });
    expect(world.state.logged).toMatchObject([{ level: 'warn' }]);
  });
});
