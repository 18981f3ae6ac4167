import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesOf, ROOT, textOf } from './tree.ts';

const PAGE = textOf('ARCHITECTURE.md');
/** What stands between backticks, without a trailing slash. */
const NAMED = new Set(
  [...PAGE.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]?.replace(/\/$/, '')),
);
const SOURCES = filesOf('src');

describe('ARCHITECTURE.md', () => {
  test('names every folder of src', () => {
    const folders = [...new Set(SOURCES.map((path) => dirname(path)))].filter(
      (path) => path !== 'src',
    );
    expect(folders.filter((path) => !isNamed(path))).toEqual([]);
  });

  test('names every module of src, so that a newcomer finds each', () => {
    expect(SOURCES.filter((path) => path.endsWith('.ts') && !isNamed(path))).toEqual([]);
  });

  test('names no file or folder that is not there', () => {
    const paths = [...NAMED].filter(
      (name) =>
        name !== undefined &&
        /^(src|core|engine|adapters|http|actions|test|scripts|bin|docs|rules)\/[\w./-]+$/.test(
          name,
        ),
    );
    const missing = paths.filter(
      (name) => !['', 'src'].some((base) => existsSync(join(ROOT, base, name ?? ''))),
    );
    expect(missing).toEqual([]);
  });
});

/** `src/core/json.ts` may be called `core/json.ts`. */
function isNamed(path: string): boolean {
  return NAMED.has(path) || NAMED.has(path.replace(/^src\//, ''));
}
