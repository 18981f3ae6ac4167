import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideParts } from './install-parts.ts';
import { addCounts, countTests, renderMissing, renderTotal, type Count } from './report.ts';
import { passSignalsOn, run } from './run.ts';

/**
 * The test command. Without arguments: types, lint, format, then every test, each gate counted as one.
 * With arguments, they go to vitest and the gates stay out: `npm test -- test/core/rules/matcher.test.ts`.
 */
const ROOT = join(import.meta.dirname, '..');
const GATE_TIMEOUT_MS = 180_000;
const GATE_LINES_MAX = 100;
const TESTS_TIMEOUT_MS = 840_000;

interface Gate {
  readonly name: string;
  /** The program's JavaScript, run by this Node. */
  readonly program: string;
  readonly args: readonly string[];
}
const GATES: readonly Gate[] = [
  { name: 'types', program: 'typescript/bin/tsc', args: ['--noEmit'] },
  { name: 'lint', program: 'oxlint/bin/oxlint', args: ['--deny-warnings'] },
  { name: 'format', program: '@biomejs/biome/bin/biome', args: ['format'] },
];

process.chdir(ROOT);
passSignalsOn();
await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  const strict = process.env['CI'] === 'true';
  const counts: Count[] = [];
  if (args.length > 0) {
    counts.push(await runTests(args));
  } else {
    // Installing mostly waits for the network.
    const provided = provideParts((line) => console.log(`parts    ${line}`));
    for (const gate of GATES) counts.push(await runGate(gate));
    const missing = await provided;
    // Side by side: those with real parts mostly wait, and these are patient.
    const patient = runTests(
      ['crash', 'prometheus', 'commands', 'replays', 'model'].map((name) => `--project=${name}`),
      false,
    );
    counts.push(await runTests(['--project=unit', '--project=real']), await patient);
    if (missing.length > 0) console.log(renderMissing(missing, strict));
    if (strict) counts.push({ passed: 0, failed: missing.length, skipped: 0 });
  }
  const total = addCounts(counts);
  if (total.skipped > 0) console.log(`${total.skipped} tests skipped`);
  console.log(renderTotal(total));
  if (total.failed > 0) process.exitCode ??= 1;
}

async function runGate(gate: Gate): Promise<Count> {
  const program = join('node_modules', gate.program);
  const ran = await run(process.execPath, [program, ...gate.args], {
    show: false,
    timeout_ms: GATE_TIMEOUT_MS,
  });
  const ok = ran.code === 0;
  console.log(`${gate.name.padEnd(8)} ${ok ? 'ok    ' : 'FAILED'} ${ran.seconds.toFixed(1)} s`);
  if (!ok) console.log(firstLines(ran.output));
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

/** A gate can have much to say; its own command says the rest. */
function firstLines(output: string): string {
  const lines = output.trimEnd().split('\n');
  if (lines.length <= GATE_LINES_MAX) return lines.join('\n');
  return [
    ...lines.slice(0, GATE_LINES_MAX),
    `... and ${lines.length - GATE_LINES_MAX} lines more`,
  ].join('\n');
}

async function runTests(args: readonly string[], show = true): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), 'autoheal-report-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const ran = await run(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...args],
      { show, timeout_ms: TESTS_TIMEOUT_MS },
    );
    if (!show) console.log(ran.output);
    return countTests(report, ran.code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
