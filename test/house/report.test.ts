import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addCounts, countTests, renderMissing, renderTotal } from '../../scripts/report.ts';

describe('the count of a test run', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'autoheal-count-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('is what vitest reported', () => {
    expect(
      countTests(report({ passed: 3, failed: 2, skipped: 1, files: [['failed']] }), 1),
    ).toEqual({
      passed: 3,
      failed: 2,
      skipped: 1,
    });
  });

  test('takes a file that could not be loaded for a failure', () => {
    expect(countTests(report({ passed: 3, failed: 0, files: [[]] }), 1)).toMatchObject({
      passed: 3,
      failed: 1,
    });
  });

  test('takes an error outside of any test for a failure', () => {
    expect(countTests(report({ passed: 3, failed: 0, files: [] }), 1).failed).toBe(1);
  });

  test('takes a run without a report for a failure', () => {
    expect(countTests(join(folder, 'none.json'), 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  function report(run: {
    passed: number;
    failed: number;
    skipped?: number;
    files: readonly (readonly string[])[];
  }): string {
    const file = join(folder, 'report.json');
    const content = {
      success: run.failed === 0 && run.files.length === 0,
      numPassedTests: run.passed,
      numFailedTests: run.failed,
      numPendingTests: run.skipped ?? 0,
      numTodoTests: 0,
      testResults: run.files.map((tests) => ({
        status: 'failed',
        assertionResults: tests.map((status) => ({ status })),
      })),
    };
    writeFileSync(file, JSON.stringify(content));
    return file;
  }
});

describe('the last lines', () => {
  test('end with the total', () => {
    const gate = { passed: 1, failed: 0, skipped: 0 };
    const tests = { passed: 41, failed: 1, skipped: 0 };
    expect(renderTotal(addCounts([gate, tests]))).toBe('42 passed, 1 failed');
  });

  test('name each missing part and why', () => {
    const missing = [{ name: 'docker', why: 'a private Docker engine needs root' }];
    expect(renderMissing(missing, false)).toBe(
      'Skipped, because a real part is missing:\n  docker: a private Docker engine needs root',
    );
    expect(renderMissing(missing, true)).toContain('failure');
  });
});
