import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { createFlagdFile, flagdDefinition, type FlagNow } from '../../src/adapters/flagd-file.ts';
import { until } from '../real/until.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'autoheal-flagd-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SOON = { timeout_ms: 10_000, every_ms: 10 };
interface Definition {
  readonly flags: Readonly<Record<string, { readonly defaultVariant: string }>>;
}
function read(path: string): Definition {
  return JSON.parse(readFileSync(path, 'utf8')) as Definition;
}
function keep(path: string, flags: () => readonly FlagNow[] | undefined) {
  const warnings: string[] = [];
  const file = createFlagdFile({
    path,
    flags: async () => flags(),
    clock: systemClock,
    log: { info: () => undefined, warn: (_, message) => warnings.push(message) },
  });
  file.start();
  return { file, warnings };
}

test('a definition as flagd reads it: the value now is the default variant', () => {
  const text = flagdDefinition([
    { key: 'heuristics-only', value: true, default: false },
    { key: 'batch', value: 500, default: 500 },
    { key: 'model', value: 'small', default: 'large' },
  ]);
  expect(JSON.parse(text)).toEqual({
    $schema: 'https://flagd.dev/schema/v0/flags.json',
    flags: {
      'heuristics-only': {
        state: 'ENABLED',
        variants: { on: true, off: false },
        defaultVariant: 'on',
      },
      batch: { state: 'ENABLED', variants: { default: 500 }, defaultVariant: 'default' },
      model: {
        state: 'ENABLED',
        variants: { default: 'large', current: 'small' },
        defaultVariant: 'current',
      },
    },
  });
});

test('a reader never finds half a file while flags flip, and the last value is there in the end', async () => {
  const path = join(folder, 'flags.json');
  let value = false;
  // Long enough that a write in place would be seen half done.
  const many = Array.from({ length: 2_000 }, (_, n) => `flag-${n}`);
  const { file } = keep(path, () => {
    value = !value;
    return many.map((key) => ({ key, value, default: false }));
  });
  const seen = new Set<string>();
  await until(
    'both values were read',
    () => {
      const { flags } = read(path);
      const variants = new Set(Object.values(flags).map((flag) => flag.defaultVariant));
      expect(Object.keys(flags)).toHaveLength(many.length);
      expect(variants.size).toBe(1);
      seen.add([...variants].join());
      return seen.size === 2;
    },
    SOON,
  );
  await file.stop();
  expect(read(path).flags['flag-0']?.defaultVariant).toBe(value ? 'on' : 'off');
  expect(readdirSync(folder)).toEqual(['flags.json']);
});

test('a folder that is not there is said once, and the file comes when the folder does', async () => {
  const path = join(folder, 'later/flags.json');
  let looks = 0;
  const { file, warnings } = keep(path, () => {
    looks += 1;
    return [{ key: 'a', value: true, default: false }];
  });
  await until('three looks', () => looks >= 3, SOON);
  expect(warnings).toEqual(['the flagd file could not be written']);
  const { mkdirSync } = await import('node:fs');
  mkdirSync(join(folder, 'later'));
  await until('the file', () => read(path).flags['a']?.defaultVariant === 'on', SOON);
  await file.stop();
});

test('while nobody knows the flags, the file stays as it is', async () => {
  const path = join(folder, 'flags.json');
  let looks = 0;
  const { file } = keep(path, () => {
    looks += 1;
    return undefined;
  });
  await until('two looks', () => looks >= 2, SOON);
  await file.stop();
  expect(readdirSync(folder)).toEqual([]);
});
