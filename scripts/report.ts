import { existsSync, readFileSync } from 'node:fs';
import type { Missing } from './install-parts.ts';

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What vitest's JSON reporter writes, as far as it is read here. */
interface VitestReport {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/**
 * Counts the tests of a run. A file that could not be loaded has no tests to fail, and a run can go
 * wrong outside of any test: each counts as one failure, so that a red run never reads `0 failed`.
 */
export function countTests(report_file: string, exit_code: number): Count {
  if (!existsSync(report_file)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(report_file, 'utf8')) as VitestReport;
  const broken_files = report.testResults.filter(
    (file) =>
      file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  ).length;
  const failed = report.numFailedTests + broken_files;
  const outside = failed === 0 && (exit_code !== 0 || !report.success) ? 1 : 0;
  return {
    passed: report.numPassedTests,
    failed: failed + outside,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** The parts that the run did without; the reader decides whether that matters. */
export function renderMissing(missing: readonly Missing[], strict: boolean): string {
  const lines = missing.map((part) => `  ${part.name}: ${part.why}`);
  const head = strict
    ? 'Missing real parts (a failure, because CI is set):'
    : 'Skipped, because a real part is missing:';
  return [head, ...lines].join('\n');
}

/** The last line of every run. */
export function renderTotal(count: Count): string {
  return `${count.passed} passed, ${count.failed} failed`;
}

export function addCounts(counts: readonly Count[]): Count {
  return {
    passed: counts.reduce((sum, count) => sum + count.passed, 0),
    failed: counts.reduce((sum, count) => sum + count.failed, 0),
    skipped: counts.reduce((sum, count) => sum + count.skipped, 0),
  };
}
