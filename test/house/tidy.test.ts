import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesOf, importsOf, ROOT, textOf } from './tree.ts';

const FILES = filesOf();
const CODE = FILES.filter((path) => /\.(ts|js)$/.test(path));
const TEXT = FILES.filter((path) => !/\.(png|ico|woff2?|gz|db)$/.test(path));

/** Assembled, so that this page does not contain what it looks for. */
function banned(...parts: readonly string[]): RegExp {
  return new RegExp(parts.join(''));
}
const BANNED: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a folder of one machine', pattern: banned('/wo', 'rk/|/ro', 'ot/|/Us', 'ers/') },
  { what: 'the host of a package registry', pattern: banned('registry\\.', '(npmjs|yarnpkg)\\.') },
  { what: 'unfinished work', pattern: banned('\\bTO', 'DO\\b|\\bFIX', 'ME\\b') },
  {
    what: 'a test left out or alone',
    pattern: banned('\\b(test|it|describe)\\.', '(on', 'ly|sk', 'ip|to', 'do)\\('),
  },
];

describe('every file', () => {
  test.each(BANNED)('is free of $what', ({ pattern }) => {
    const bad = TEXT.flatMap((path) =>
      textOf(path)
        .split('\n')
        .flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),
    );
    expect(bad).toEqual([]);
  });

  test('has Unix line ends and ends with one', () => {
    // Fixtures are what arrives from outside, byte for byte.
    const bad = TEXT.filter((path) => !/^test\/(fixtures|golden)\//.test(path)).filter((path) => {
      const text = textOf(path);
      return text.includes('\r\n') || (text !== '' && !text.endsWith('\n'));
    });
    expect(bad).toEqual([]);
  });
});

describe('the code', () => {
  test('has no dead file: each is imported, a plug-in, a test, or started by name', () => {
    const imported = new Set(CODE.flatMap(importsOf));
    const named = [textOf('package.json'), textOf('vitest.config.ts'), textOf('bin/autoheal.js')];
    const dead = CODE.filter(
      (path) =>
        !imported.has(path) &&
        !/(^|\/)actions\/|\.test\.ts$|\.d\.ts$|^vitest\.config\.ts$/.test(path) &&
        !named.some((text) => text.includes(path)) &&
        !startedByName(path),
    );
    expect(dead).toEqual([]);
  });

  test('of core imports nothing at run time, which lint would not see', () => {
    const core = CODE.filter((path) => path.startsWith('src/core/'));
    expect(core.filter((path) => /\b(await import|require)\(/.test(textOf(path)))).toEqual([]);
  });
});

/** A program that a test or the bench starts as a process is named there, as a string. */
function startedByName(path: string): boolean {
  if (!/^(test|bench)\//.test(path)) return false;
  const name = path.split('/').at(-1);
  const named = [`'${name}'`, `/${name}'`];
  return CODE.some((other) => other !== path && named.some((text) => textOf(other).includes(text)));
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
interface Lockfile {
  readonly packages: Readonly<
    Record<string, { version: string; resolved?: string; gypfile?: boolean }>
  >;
}

describe('the dependencies', () => {
  const manifest = JSON.parse(textOf('package.json')) as Manifest;
  const lockfile = JSON.parse(textOf('package-lock.json')) as Lockfile;
  const wanted = { ...manifest.dependencies, ...manifest.devDependencies };

  test('have exact versions, the same in the lockfile', () => {
    for (const [name, version] of Object.entries(wanted)) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
      expect(lockfile.packages[`node_modules/${name}`]?.version, name).toBe(version);
    }
  });

  test('are not bound to one registry (else: npm run lockfile)', () => {
    const bound = Object.entries(lockfile.packages).filter(([, entry]) => entry.resolved);
    expect(bound.map(([folder]) => folder)).toEqual([]);
  });

  test('that ship their binaries are marked so, or npm 10 compiles them (else: npm run lockfile)', () => {
    const unmarked = Object.entries(lockfile.packages).filter(
      ([folder, entry]) => folder !== '' && shipsBinaries(folder) && entry.gypfile !== false,
    );
    expect(unmarked.map(([folder]) => folder)).toEqual([]);
  });
});

function shipsBinaries(folder: string): boolean {
  const manifest = join(folder, 'package.json');
  if (![manifest, join(folder, 'binding.gyp')].every((path) => existsSync(join(ROOT, path))))
    return false;
  return (JSON.parse(textOf(manifest)) as { gypfile?: boolean }).gypfile === false;
}
