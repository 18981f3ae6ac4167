import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPrometheus } from '../../src/adapters/prometheus.ts';
import { LOOKS, standingOf } from '../../src/core/slo/standing.ts';
import { type FakePrometheus, startPrometheus } from '../fakes/prometheus.ts';
import { startWorld, type World } from './world.ts';

const RECORDED =
  '{__name__=~"autoheal:burn_fast|autoheal:burn_slow|autoheal:slo_budget_remaining:ratio30d|autoheal:slo_error:ratio.+",drill="false"}';
/** Of 1,000 steps of the last 5 minutes 100 failed, the rest of the month was idle. */
const COUNTED = standingOf(
  LOOKS.map((look) => ({
    look,
    counts: [{ slo: 'action_success', drill: false, good: 900, total: 1_000 }],
    slices: { bad: 0, seen: look.ms / 30_000 },
    seen: true,
  })),
);

let world: World;
let prometheus: FakePrometheus;
beforeEach(async () => {
  prometheus = await startPrometheus();
});
afterEach(async () => {
  await world.close();
  await prometheus.close();
});

// oxlint-disable-next-line typescript/no-explicit-any
function sloOf(body: any, slo: string): any {
  return body.items.find((item: { readonly slo: string }) => item.slo === slo);
}
function sample(name: string, slo: string, value: string): object {
  return { metric: { __name__: name, slo, drill: 'false' }, value: [1_700_000_000, value] };
}

describe('GET /api/v1/slo', () => {
  test('answers by its own count where no Prometheus is configured', async () => {
    world = await startWorld({ slo: COUNTED });
    const { body } = await world.call('GET', '/api/v1/slo');
    expect(body.items.map((item: { slo: string }) => item.slo)).toEqual([
      'availability',
      'webhook_latency',
      'action_success',
      'audit_latency',
    ]);
    const own = { source: 'store', reason: null };
    expect(sloOf(body, 'action_success')).toMatchObject({
      objective_pct: 99.5,
      budget: 0.005,
      period: '30d',
      burn_fast: { window: '1h', value: 20, ...own },
      burn_slow: { window: '6h', value: 20, ...own },
      budget_left: { window: '30d', value: -19, ...own },
      exhausted_in_seconds: 0,
    });
    expect(sloOf(body, 'action_success').windows).toEqual(
      ['5m', '1h', '6h', '3d', '30d'].map((window) => ({
        window,
        source: 'store',
        bad: 100,
        total: 1_000,
        covered: 1,
        error: 0.1,
        burn: 20,
        prometheus: null,
      })),
    );
    expect(sloOf(body, 'availability')).toMatchObject({
      budget_left: { value: 1 },
      exhausted_in_seconds: null,
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
        sample('autoheal:slo_error:ratio1h', 'action_success', '0.015'),
      ],
    });
    const adapter = createPrometheus({ url: prometheus.url, timeout_ms: 5_000 });
    world = await startWorld({ prometheus: adapter, slo: COUNTED });
    const { body } = await world.call('GET', '/api/v1/slo');
    expect(sloOf(body, 'availability')).toMatchObject({
      burn_fast: { value: 0, source: 'prometheus', reason: null },
      burn_slow: { value: 2.5 },
      budget_left: { value: -0.25 },
    });
    expect(sloOf(body, 'action_success')).toMatchObject({
      burn_fast: { value: 3, source: 'prometheus' },
      burn_slow: { value: 20, source: 'store' },
    });
    expect(sloOf(body, 'action_success').windows.slice(0, 2)).toMatchObject([
      { window: '5m', burn: 20, prometheus: null },
      { window: '1h', burn: 20, prometheus: { error: 0.015, burn: 3 } },
    ]);
    const unsaid = {
      value: 0,
      source: 'store',
      reason: expect.stringContaining('has not recorded it'),
    };
    expect(sloOf(body, 'audit_latency')).toMatchObject({ burn_fast: unsaid, burn_slow: unsaid });
    expect(prometheus.requests).toHaveLength(1);
  });

  test('a Prometheus that does not answer is a reason, not an error', async () => {
    prometheus.fail({ status: 503, body: 'starting' });
    const adapter = createPrometheus({ url: prometheus.url, timeout_ms: 5_000 });
    world = await startWorld({ prometheus: adapter, slo: COUNTED });
    const { status, body } = await world.call('GET', '/api/v1/slo');
    expect(status).toBe(200);
    expect(sloOf(body, 'availability')).toMatchObject({
      burn_fast: { value: 0, source: 'store', reason: expect.stringContaining('HTTP 503') },
    });
    expect(world.state.logged).toMatchObject([{ level: 'warn' }]);
  });
});
