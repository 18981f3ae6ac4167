import { describe, expect, test } from 'vitest';
import { stepOutcomes } from '../../src/core/slo-steps.ts';
import { statusOf, statusOfApi } from '../../src/core/slo/status.ts';

const DAY_MS = 86_400_000;

describe('how SLOs stand', () => {
  function sample(name: string, labels: Readonly<Record<string, string>>, value: number) {
    return { labels: { __name__: name, ...labels }, value };
  }
  const api = { service: 'api', slo: 'errors' };

  test('from what Prometheus recorded: windows in order, drills left out', () => {
    const found = statusOf([
      sample('service:slo_burn_rate:ratio3d', api, 0.5),
      sample('service:slo_burn_rate:ratio1h', api, 2),
      sample('service:slo_budget_remaining:ratio90d', api, 0.9),
      sample('service:slo_budget_remaining:ratio30d', api, 0.5),
      sample('service:slo_error_budget:ratio', api, 0.01),
      sample('autoheal:burn_fast', { slo: 'availability', drill: 'false' }, 0),
      sample('autoheal:slo_budget_remaining:ratio30d', { slo: 'availability', drill: 'false' }, 1),
      sample('autoheal:burn_fast', { slo: 'availability', drill: 'true' }, 7),
      sample('up', api, 1),
    ]);
    expect(found).toEqual([
      {
        ...api,
        objective_pct: 99,
        budget_left: [
          { window: '30d', value: 0.5 },
          { window: '90d', value: 0.9 },
        ],
        burn: [
          { window: '1h', value: 2 },
          { window: '3d', value: 0.5 },
        ],
        // Half of 30 days at twice the speed.
        exhausted_in_seconds: (7.5 * DAY_MS) / 1_000,
        source: 'prometheus',
        covered: null,
      },
      {
        service: 'autoheal',
        slo: 'availability',
        objective_pct: null,
        budget_left: [{ window: '30d', value: 1 }],
        burn: [{ window: '1h', value: 0 }],
        exhausted_in_seconds: null,
        source: 'prometheus',
        covered: null,
      },
    ]);
  });

  test('from the API: what nobody knows stays unknown, what is spent is spent', () => {
    const figure = (window: string, value: number | null) => ({
      window,
      value,
      source: 'store' as const,
    });
    const windows = [
      { window: '1h', covered: 1 },
      { window: '30d', covered: 0.25 },
    ];
    const item = { slo: 'a', objective_pct: 99.5, burn_slow: figure('6h', 1), windows };
    const [spent, unknown] = statusOfApi([
      { ...item, burn_fast: figure('1h', 20), budget_left: figure('30d', -0.1) },
      { ...item, burn_fast: figure('1h', 20), budget_left: figure('30d', null) },
    ]);
    expect([spent?.exhausted_in_seconds, unknown?.exhausted_in_seconds]).toEqual([0, null]);
    expect(spent).toMatchObject({ source: 'store', covered: 0.25 });
  });
});

test('steps are counted once, with all their targets; what was not tried is left out', () => {
  function end(
    remediation: string,
    step: number,
    kind: 'action_ok' | 'action_fail',
    reason: string | null = null,
  ) {
    return { remediation, step, kind, reason };
  }
  const entries = [
    end('a', 1, 'action_ok'),
    end('a', 2, 'action_fail', 'timeout'),
    end('b', 1, 'action_ok'),
    end('b', 1, 'action_fail', 'unavailable'),
    end('c', 1, 'action_fail', 'limit_reached'),
    end('d', 1, 'action_fail', 'resolved'),
  ];
  expect(stepOutcomes(entries)).toEqual({ bad: 2, total: 3 });
  expect(stepOutcomes([])).toEqual({ bad: 0, total: 0 });
});
