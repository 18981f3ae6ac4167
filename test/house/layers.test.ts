import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSandbox, ROOT, type Sandbox } from './tree.ts';

const IMPORTS = 'eslint(no-restricted-imports)';

/** What each file does wrong, and the rule that must say so. */
const VIOLATIONS: readonly {
  readonly path: string;
  readonly text: string;
  readonly rule: string;
}[] = [
  imports('src/core/reads-files.ts', 'node:fs'),
  imports('src/core/knows-ports.ts', '../ports.ts'),
  imports('src/core/knows-store.ts', '../store.ts'),
  imports('src/core/knows-engine.ts', '../engine/leaf.ts'),
  { path: 'src/core/passes-on.ts', text: "export * from 'node:fs';\n", rule: IMPORTS },
  uses('src/core/tells-time.ts', 'Date.now()'),
  uses('src/core/reads-environment.ts', "process.env['HOME']"),
  uses('src/core/waits.ts', 'setTimeout(String, 1)'),
  uses('src/core/calls-out.ts', "fetch('http://127.0.0.1')"),
  imports('src/core/knows-lint.ts', '../lint/leaf.ts'),
  imports('src/lint/reads-files.ts', 'node:fs'),
  imports('src/lint/knows-ports.ts', '../ports.ts'),
  imports('src/lint/knows-engine.ts', '../engine/leaf.ts'),
  imports('src/lint/knows-adapter.ts', '../adapters/leaf.ts'),
  imports('src/lint/knows-command.ts', '../cli/service/serve.ts'),
  uses('src/lint/tells-time.ts', 'Date.now()'),
  imports('src/core/knows-rehearsal.ts', '../rehearsal/leaf.ts'),
  imports('src/engine/knows-rehearsal.ts', '../rehearsal/leaf.ts'),
  imports('src/adapters/knows-rehearsal.ts', '../rehearsal/leaf.ts'),
  imports('src/http/knows-rehearsal.ts', '../rehearsal/leaf.ts'),
  imports('actions/knows-rehearsal.ts', '../src/rehearsal/leaf.ts'),
  imports('src/rehearsal/knows-adapter.ts', '../adapters/leaf.ts'),
  imports('src/rehearsal/knows-http.ts', '../http/leaf.ts'),
  imports('src/rehearsal/knows-action.ts', '../../actions/leaf.ts'),
  imports('src/rehearsal/knows-command.ts', '../cli/service/serve.ts'),
  imports('src/rehearsal/reads-files.ts', 'node:fs'),
  uses('src/rehearsal/tells-time.ts', 'Date.now()'),
  imports('src/ports.ts', './engine/leaf.ts'),
  imports('src/store.ts', './adapters/leaf.ts'),
  imports('src/action.ts', './http/leaf.ts'),
  imports('src/engine/knows-lint.ts', '../lint/leaf.ts'),
  imports('src/engine/knows-adapter.ts', '../adapters/leaf.ts'),
  imports('src/engine/knows-http.ts', '../http/leaf.ts'),
  imports('src/engine/knows-action.ts', '../../actions/leaf.ts'),
  imports('src/engine/stages/knows-adapter.ts', '../../adapters/leaf.ts'),
  uses('src/engine/tells-time.ts', 'Date.now()'),
  imports('src/engine/knows-root.ts', '../app.ts'),
  imports('src/engine/knows-command.ts', '../cli/service/serve.ts'),
  imports('src/adapters/knows-engine.ts', '../engine/leaf.ts'),
  imports('src/adapters/knows-http.ts', '../http/leaf.ts'),
  imports('src/adapters/knows-config.ts', '../config.ts'),
  imports('src/http/knows-adapter.ts', '../adapters/leaf.ts'),
  imports('src/http/knows-action.ts', '../../actions/leaf.ts'),
  imports('src/http/knows-root.ts', '../cli.ts'),
  imports('actions/knows-engine.ts', '../src/engine/leaf.ts'),
  imports('actions/knows-http.ts', '../src/http/leaf.ts'),
  imports('src/engine/ring-a.ts', './ring-b.ts', 'import(no-cycle)'),
  imports('src/engine/ring-b.ts', './ring-a.ts', 'import(no-cycle)'),
  {
    path: 'src/engine/long-file.ts',
    text: 'export const line = 1;\n'.padEnd(23 + 300, '\n'),
    rule: 'eslint(max-lines)',
  },
  {
    path: 'src/engine/long-function.ts',
    text: `export function long(): string[] {\n  return [\n${"    'line',\n".repeat(68)}  ];\n}\n`,
    rule: 'eslint(max-lines-per-function)',
  },
  {
    path: 'src/engine/complex.ts',
    text: `export function complex(n: number): number {\n${Array.from({ length: 12 }, (_, n) => `  if (n === ${n}) return ${n};\n`).join('')}  return 99;\n}\n`,
    rule: 'eslint(complexity)',
  },
  {
    path: 'src/engine/forgets.ts',
    text: 'export function forget(work: () => Promise<void>): void {\n  work();\n}\n',
    rule: 'typescript(no-floating-promises)',
  },
];

/** What each layer may do: none of these may be reported. */
const ALLOWED: readonly { readonly path: string; readonly text: string }[] = [
  imports('src/core/knows-core.ts', './leaf.ts'),
  imports('src/lint/knows-core.ts', '../core/leaf.ts'),
  imports('src/engine/knows-ports.ts', '../other-ports/ports.ts'),
  imports('src/rehearsal/knows-engine.ts', '../engine/leaf.ts'),
  imports('src/adapters/knows-core.ts', '../core/leaf.ts'),
  uses('src/adapters/tells-time.ts', 'Date.now()'),
  imports('src/http/knows-engine.ts', '../engine/leaf.ts'),
  imports('actions/knows-adapter.ts', '../src/adapters/leaf.ts'),
  imports('src/app.ts', './adapters/leaf.ts'),
  {
    path: 'src/engine/just-fits.ts',
    text: 'export const line = 1;\n'.padEnd(23 + 299, '\n'),
  },
];
const LEAVES = [
  'src/core',
  'src/lint',
  'src/engine',
  'src/adapters',
  'src/http',
  'src/rehearsal',
  'actions',
  'src/other-ports',
];

describe('lint', () => {
  let sandbox: Sandbox;
  let found: ReadonlyMap<string, readonly string[]>;

  beforeAll(() => {
    sandbox = makeSandbox();
    for (const folder of LEAVES) {
      const name = folder === 'src/other-ports' ? 'ports' : 'leaf';
      sandbox.write(`${folder}/${name}.ts`, 'export const leaf = 1;\n');
    }
    for (const name of ['cli', 'config']) {
      sandbox.write(`src/${name}.ts`, 'export const leaf = 1;\n');
    }
    for (const file of [...VIOLATIONS, ...ALLOWED]) sandbox.write(file.path, file.text);
    found = lint(sandbox.folder);
  }, 60_000);
  afterAll(() => sandbox.remove());

  test.each(VIOLATIONS)('catches $path by $rule', ({ path, rule }) => {
    expect(found.get(path)).toContain(rule);
  });

  test.each(ALLOWED)('lets $path be', ({ path }) => {
    expect(found.get(path)).toBeUndefined();
  });
});

function imports(
  path: string,
  name: string,
  rule = IMPORTS,
): { path: string; text: string; rule: string } {
  return { path, text: `import { leaf } from '${name}';\n\nexport const other = leaf;\n`, rule };
}

function uses(path: string, expression: string): { path: string; text: string; rule: string } {
  return {
    path,
    text: `export function use(): unknown {\n  return ${expression};\n}\n`,
    rule: 'eslint(no-restricted-globals)',
  };
}

/** The rules that complain about each file. */
function lint(folder: string): ReadonlyMap<string, readonly string[]> {
  const program = join(ROOT, 'node_modules/oxlint/bin/oxlint');
  const ran = spawnSync(
    process.execPath,
    [program, '--deny-warnings', '--format=json', 'src', 'actions'],
    {
      cwd: folder,
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
  const report = JSON.parse(ran.stdout) as {
    diagnostics: readonly { code: string; filename: string }[];
  };
  const rules = new Map<string, string[]>();
  for (const { filename, code } of report.diagnostics) {
    rules.set(filename, [...(rules.get(filename) ?? []), code]);
  }
  return rules;
}
