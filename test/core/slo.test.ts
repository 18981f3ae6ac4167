import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { renderRules } from '../../scripts/slo-rules.ts';
import { renderTable } from '../../scripts/slo-table.ts';
import {
  budgetOf,
  burnRate,
  decimal,
  factorOf,
  parsePercent,
  parseSlos,
} from '../../src/core/slo.ts';
import { stepOutcomes } from '../../src/core/slo-steps.ts';
import { SLO_WINDOWS, SLOS } from '../../src/core/slo-table.ts';

const ROOT = join(import.meta.dirname, '../..');
const FILE = 'prometheus/slos.yaml';
const TEXT = readFileSync(join(ROOT, FILE), 'utf8');
const HOUR_MS = 3_600_000;

function shipped() {
  const { slos, problems } = parseSlos(FILE, TEXT);
  expect(problems).toEqual([]);
  if (slos === undefined) throw new Error('no SLOs');
  return slos;
}

/** The first problem of the shipped file with `from` replaced. */
function problemOf(from: string, to: string) {
  expect(TEXT).toContain(from);
  const { slos, problems } = parseSlos(FILE, TEXT.replace(from, to));
  expect(slos).toBeUndefined();
  return problems[0];
}

describe('what is generated', () => {
  test('is in step with prometheus/slos.yaml (else: npm run slo)', () => {
    const rules = readFileSync(join(ROOT, 'prometheus/rules/autoheal-slo.yml'), 'utf8');
    const table = readFileSync(join(ROOT, 'src/core/slo-table.ts'), 'utf8');
    expect(renderRules(shipped())).toBe(rules);
    expect(renderTable(shipped())).toBe(table);
  });

  test('has no noise of floating point', () => {
    expect(renderRules(shipped())).not.toMatch(/\d\.\d{7}/);
    expect(renderRules(shipped(), { time_scale: 120 })).not.toMatch(/\d\.\d{7}/);
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
});

describe('the arithmetic', () => {
  const slow = { severity: 'ticket', short: 1, for: 0 } as const;
  test.each([
    [2, 1, 30, '14.4'],
    [5, 6, 30, '6'],
    [10, 24, 30, '3'],
    [10, 72, 30, '1'],
    [2, 1, 28, '13.44'],
    [5, 6, 28, '5.6'],
    [10, 24, 28, '2.8'],
    [10, 72, 28, '0.9333'],
  ])('%d %% of the budget in %d h of %d d is a factor of %s', (share, hours, days, factor) => {
    const burn = { ...slow, budget: share * 10_000, long: hours * HOUR_MS };
    expect(factorOf(burn, days * 24 * HOUR_MS)).toBe(factor);
  });

  test.each([
    ['99.9', '0.001'],
    ['99.99', '0.0001'],
    ['99.9999', '0.000001'],
    ['95', '0.05'],
    ['99.5', '0.005'],
  ])('%s %% leaves a budget of %s', (text, budget) => {
    expect(budgetOf({ objective: parsePercent(text) ?? 0 })).toBe(budget);
  });

  test.each(['0', '100', '99.99999', '-1', '99,9', '', '0.0', '1e1'])(
    '%s is no percentage',
    (text) => {
      expect(parsePercent(text)).toBeUndefined();
    },
  );

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
  test('names the place, the mistake and what to write', () => {
    const problem = problemOf('objective: 99.9', 'objective: 101');
    expect(problem).toMatchObject({ file: FILE, fix: 'write it like 99.9' });
    expect(TEXT.split('\n')[(problem?.line ?? 0) - 1]).toContain('objective: 99.9');
  });

  test('with an objective that can never page is refused, with the lowest that can', () => {
    const problem = problemOf('objective: 99.5', 'objective: 93');
    expect(problem?.message).toMatch(/^14\.4 times its budget .* can never fire$/);
    expect(problem?.fix).toBe('write at least 93.0556');
    expect(parseSlos(FILE, TEXT.replace('objective: 99.5', 'objective: 93.0556')).problems).toEqual(
      [],
    );
    problemOf('objective: 99.5', 'objective: 93.0555');
  });

  test.each([
    ['min_bad: 2 ', 'min_bad: 2\n    min_bat: 2 ', /min_bat/],
    ['budget: 2%', 'budget: 2', /share of the budget/],
    ['short: 5m', 'short: 1h', /shorter than the long one/],
    ['long: 3d', 'long: 30d', /not shorter than the period/],
    ['period: 30d', 'period: 30', /not a duration/],
    ['\'outcome="success"\'', "'outcome=\"success'", /cannot be used/],
    ['\'outcome="success"\'', '\'outcome="success",\'', /cannot be used/],
    ['metric: autoheal_heartbeats_total', 'metric: autoheal-beats', /cannot be used/],
    [
      '    events:\n',
      '    heartbeat: { metric: m, slice: 30s, beat_within: 2m, grace: 5m }\n    events:\n',
      /exactly one of/,
    ],
    ['severity: page, budget: 2%', 'severity: loud, budget: 2%', /severity/],
  ])('%s -> %s', (from, to, said) => {
    expect(problemOf(from, to)?.message).toMatch(said);
  });

  test('without a heartbeat, or too long, is refused', () => {
    const [head = '', rest = ''] = TEXT.split(/ {2}availability:[^]*?(?= {2}webhook_latency:)/);
    expect(parseSlos(FILE, head + rest).problems[0]?.message).toContain('need exactly one');
    expect(parseSlos(FILE, `#${'x'.repeat(70_000)}`).problems[0]?.message).toContain('longer than');
  });
});

describe('npm run slo', () => {
  let folder = '';
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  function runIn(text: string) {
    folder = mkdtempSync(join(tmpdir(), 'autoheal-slo-'));
    mkdirSync(join(folder, 'prometheus'));
    cpSync(join(ROOT, FILE), join(folder, FILE));
    writeFileSync(join(folder, FILE), text);
    const script = join(ROOT, 'scripts/slo.ts');
    return spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
  }

  test('writes the rules and the table', () => {
    expect(runIn(TEXT).status).toBe(0);
    const made = readFileSync(join(folder, 'prometheus/rules/autoheal-slo.yml'), 'utf8');
    expect(made).toBe(renderRules(shipped()));
  });

  test('shows a mistake with its line and caret, and writes nothing', () => {
    const ran = runIn(TEXT.replace('budget: 2%', 'budget: two'));
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/^prometheus\/slos\.yaml:\d+:\d+: .*share of the budget/);
    expect(ran.stderr).toContain('^^^');
    expect(ran.stdout).toBe('');
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
