import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SLO_WINDOWS, SLOS } from '../../src/core/slo-table.ts';
import {
  budgetText,
  burnRate,
  decimal,
  factorText,
  parseFactor,
  parsePercent,
  shareText,
} from '../../src/core/slo.ts';
import { checkTogether } from '../../src/core/slo/check.ts';
import { parseSlos } from '../../src/core/slo/openslo.ts';
import { renderRules } from '../../src/core/slo/rules.ts';
import { parseSelector } from '../../src/core/slo/selector.ts';
import { renderTable } from '../../src/core/slo/table.ts';

const ROOT = join(import.meta.dirname, '../..');
const FILE = 'prometheus/slos.yaml';
const SERVICES = 'prometheus/slos/services.yaml';
const TEXT = readFileSync(join(ROOT, FILE), 'utf8');
const SERVICES_TEXT = readFileSync(join(ROOT, SERVICES), 'utf8');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function shipped(file = FILE, text = TEXT) {
  const { slos, problems, warnings } = parseSlos(file, text);
  expect([...problems, ...warnings]).toEqual([]);
  if (slos === undefined) throw new Error('no SLOs');
  return slos;
}

/** What is wrong with a shipped file with `from` replaced. */
function problemsOf(from: string, to: string, file = FILE, text = TEXT) {
  expect(text).toContain(from);
  const { slos, problems } = parseSlos(file, text.replace(from, to));
  expect(slos).toBeUndefined();
  return problems;
}
function problemOf(from: string, to: string, file = FILE, text = TEXT) {
  return problemsOf(from, to, file, text)[0];
}
function problemOfServices(from: string, to: string) {
  return problemOf(from, to, SERVICES, SERVICES_TEXT);
}

describe('what is generated', () => {
  test('is in step with the SLO files (else: npm run slo)', () => {
    const own = readFileSync(join(ROOT, 'prometheus/rules/autoheal-slo.yml'), 'utf8');
    const services = readFileSync(join(ROOT, 'prometheus/rules/services-slo.yml'), 'utf8');
    const table = readFileSync(join(ROOT, 'src/core/slo-table.ts'), 'utf8');
    expect(renderRules(shipped())).toBe(own);
    expect(renderRules(shipped(SERVICES, SERVICES_TEXT))).toBe(services);
    expect(renderTable(shipped())).toBe(table);
  });

  test('has no noise of floating point', () => {
    expect(renderRules(shipped())).not.toMatch(/\d\.\d{7}/);
    expect(renderRules(shipped(), { time_scale: 120 })).not.toMatch(/\d\.\d{7}/);
    expect(renderRules(shipped(SERVICES, SERVICES_TEXT))).not.toMatch(/\d\.\d{7}/);
  });

  test('has the objectives of the design', () => {
    expect(SLOS.map(({ slo, objective_pct, budget }) => [slo, objective_pct, budget])).toEqual([
      ['availability', 99.9, 0.001],
      ['webhook_latency', 99.5, 0.005],
      ['action_success', 99.5, 0.005],
      ['audit_latency', 99.9, 0.001],
    ]);
    expect(SLO_WINDOWS.budget_left).toEqual({ ms: 720 * HOUR_MS, text: '30d' });
  });

  test('of services: windows of one, 30 and 90 days', () => {
    const rules = renderRules(shipped(SERVICES, SERVICES_TEXT));
    for (const window of ['1d', '30d', '90d'])
      expect(rules).toContain(`service:slo_budget_remaining:ratio${window}\n`);
  });
});

describe('the arithmetic', () => {
  test.each([
    ['14.4', 1, 30, '2%'],
    ['6', 6, 30, '5%'],
    ['3', 24, 30, '10%'],
    ['1', 72, 30, '10%'],
    ['0.9333', 72, 28, '10%'],
    ['21.6', 1, 90, '1%'],
    ['4.8', 1, 1, '20%'],
    ['14.4', 1, 90, '0.67%'],
  ])('a factor of %s over %d h of %d d is a share of %s', (factor, hours, days, share) => {
    const units = parseFactor(factor) ?? 0;
    expect(factorText(units)).toBe(factor);
    expect(shareText(units, hours * HOUR_MS, days * DAY_MS)).toBe(share);
  });

  test.each([
    ['99.9', '0.001'],
    ['99.99', '0.0001'],
    ['99.9999', '0.000001'],
    ['95', '0.05'],
    ['99.5', '0.005'],
  ])('%s %% leaves a budget of %s', (text, budget) => {
    expect(budgetText(parsePercent(text) ?? 0)).toBe(budget);
  });

  test.each(['0', '100', '99.99999', '-1', '99,9', '', '0.0', '1e1'])(
    '%s is no percentage',
    (text) => {
      expect(parsePercent(text)).toBeUndefined();
    },
  );

  test.each(['0', '-1', '1e3', '', '14.44444'])('%s is no factor', (text) => {
    expect(parseFactor(text)).toBeUndefined();
  });

  test('decimals have no trailing zeros', () => {
    expect([decimal(200_000, 4), decimal(0, 4), decimal(144_000, 4), decimal(1, 6)]).toEqual([
      '20',
      '0',
      '14.4',
      '0.000001',
    ]);
  });

  test('10 % failures of 99.5 % burn at 20x, 5 % at 10x, nothing at 0', () => {
    expect([burnRate(10, 100, 0.005), burnRate(5, 100, 0.005), burnRate(0, 0, 0.005)]).toEqual([
      20, 10, 0,
    ]);
  });
});

describe('a bad SLO file', () => {
  test('names the place, the mistake and what to write, also in the last document', () => {
    const at = TEXT.lastIndexOf('targetPercent: 99.9');
    const text = `${TEXT.slice(0, at)}${TEXT.slice(at).replace('99.9', '101')}`;
    const [problem] = parseSlos(FILE, text).problems;
    expect(problem).toMatchObject({ file: FILE, fix: 'write it like 99.9' });
    expect(problem?.message).toMatch(/percentage/);
    expect(text.split('\n').findLastIndex((line) => line.includes('101'))).toBe(
      (problem?.line ?? 0) - 1,
    );
  });

  test('with an objective that can never page is refused, with the lowest that can', () => {
    const [problem] = problemsOf('targetPercent: 99.5', 'targetPercent: 93');
    expect(problem?.message).toMatch(
      /^14\.4 times its budget of 7 % is all there is, or more: the page of 1h can never fire$/,
    );
    expect(problem?.fix).toContain('aim at 93.0556 % at least');
    const least = TEXT.replace('targetPercent: 99.5', 'targetPercent: 93.0556');
    expect(parseSlos(FILE, least).problems).toEqual([]);
    problemOf('targetPercent: 99.5', 'targetPercent: 93.0555');
    // 14.4 x 10 % of budget.
    expect(problemOfServices('targetPercent: 95', 'targetPercent: 90')?.message).toMatch(
      /never fire/,
    );
  });

  test.each([
    ["autoheal.dev/min-bad: '2'", "autoheal.dev/min-bat: '2'", /no annotation .*min-bat/],
    ["autoheal.dev/min-bad: '2'", "autoheal.dev/min-bad: '-2'", /cannot be used/],
    ['budgetingMethod: Timeslices', 'budgetingMetod: Timeslices', /there is no such key/],
    ['threshold: 14.4', 'threshold: fast', /burn factor/],
    ['short-window: 5m', 'short-window: 1h', /shorter than the long one/],
    ['lookbackWindow: 3d', 'lookbackWindow: 30d', /not shorter than the time window of 30d/],
    ['duration: 30d', 'duration: 1M', /no fixed length/],
    ['duration: 30d', 'duration: 30', /no duration of OpenSLO/],
    ['kind: AlertCondition', 'kind: AlertConditions', /"AlertConditions" is not read/],
    ['apiVersion: openslo/v1', 'apiVersion: openslo/v1alpha', /apiVersion/],
    ['severity: page', 'severity: loud', /severity/],
    ['conditionRef: fast', 'conditionRef: fats', /no "fats"/],
    ['autoheal.dev/alertname: AutohealAvailabilityBurnFast', 'x/y: z', /alertname is missing/],
    ['outcome="success"', 'outcome="success', /cannot be used/],
    ['outcome="success"', 'outcome="success",', /cannot be used/],
    ["query: 'autoheal_heartbeats_total", "query: 'autoheal-beats", /not understood/],
    ["query: 'autoheal_heartbeats_total", "query: 'rate(x", /more than a plain selector/],
    ['le="0.25"', 'le="1"', /Prometheus 3/],
    ['name: webhook-latency', 'name: availability', /two SLOs called availability/],
    ['name: any-day', 'name: any-days', /no "any-day"|no SLO refers/],
    ['AutohealErrorBudgetBurnFast', 'AutohealAvailabilityBurnFast', /^$/],
    ['budgetingMethod: Occurrences', 'budgetingMethod: Timeslices', /thresholdMetric only/],
    ['timeSliceTarget: 1', 'timeSliceTarget: 0.5', /timeSliceTarget/],
    [', timeSliceTarget: 1', '', /needs op, value, timeSliceWindow/],
    ['autoheal.dev/beat-within: 2m', 'x/beat-within: 2m', /counter only/],
    ['isRolling: true', 'isRolling: false', /isRolling/],
  ])('%s -> %s', (from, to, said) => {
    // Two policies of one name over different SLOs are fine: they are one alert with two rules.
    if (said.source === '^$') {
      expect(parseSlos(FILE, TEXT.replace(from, to)).problems).toEqual([]);
      return;
    }
    expect(problemsOf(from, to).map(({ message }) => message)).toContainEqual(
      expect.stringMatching(said),
    );
  });

  test('makes the same alert twice for one SLO', () => {
    const twin = TEXT.replace('name: any-slow', 'name: any-slow-twin').split('---\n');
    const policy = twin.find((doc) => doc.includes('any-slow-twin')) ?? '';
    const text = `${TEXT}---\n${policy}`.replace(
      '[{ alertPolicyRef: failure-fast }',
      '[{ alertPolicyRef: any-slow-twin }, { alertPolicyRef: failure-fast }',
    );
    expect(parseSlos(FILE, text).problems[0]?.message).toContain('another policy makes');
  });

  test('mixes time windows in one policy', () => {
    const problem = problemOfServices(
      'alertPolicyRef: daily-burn-fast',
      'alertPolicyRef: burn-fast',
    );
    expect(problem?.message).toMatch(/several time windows|no SLO refers/);
  });

  test('without documents, or too long, is refused', () => {
    expect(parseSlos(FILE, '---\n---\n').problems[0]?.message).toContain('has 0 documents');
    expect(parseSlos(FILE, `#${'x'.repeat(140_000)}`).problems[0]?.message).toContain(
      'longer than',
    );
  });

  test('warns where traffic is too low for an alert to fire, and only then', () => {
    const few = SERVICES_TEXT.replace("events-per-day: '500'", "events-per-day: '10'");
    const { slos, problems, warnings } = parseSlos(SERVICES, few);
    expect([slos === undefined, problems]).toEqual([false, []]);
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /some 0\.4 events in 1h, of which 3 must be bad: ServiceDailyBudgetBurnFast/,
      ),
      expect.stringMatching(/some 2\.5 events in 6h/),
    ]);
  });

  test('shares a service with another file', () => {
    const one = shipped(SERVICES, SERVICES_TEXT);
    const other = { ...one, file: 'other.yaml' };
    expect(checkTogether([one, shipped()])).toEqual([]);
    expect(checkTogether([one, other])[0]?.message).toContain(
      'prometheus/slos/services.yaml has SLOs of the service api too',
    );
  });
});

test.each([
  ['up', { metric: 'up', matchers: '' }],
  ['up{}', { metric: 'up', matchers: '' }],
  [' a:b{c="d", e=~"f|g"} ', { metric: 'a:b', matchers: 'c="d",e=~"f|g"' }],
  ['x{le=~"1|1.0"}', { metric: 'x', matchers: 'le=~"1|1.0"' }],
])('the selector %s', (text, selector) => {
  expect(parseSelector(text)).toEqual(selector);
});
