import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ERRORS } from '../../src/core/errors.ts';

const PAGE = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const ROW = /^\| `(\w+)` \| (\d+) \| (.+?) \| (.+) \|$/gm;

test('docs/errors.md and the table of errors say the same', () => {
  const page = [...PAGE.matchAll(ROW)].map(([, code, status, title]) => [
    code,
    { status: Number(status), title },
  ]);
  expect(Object.fromEntries(page)).toEqual(ERRORS);
  expect(page).toHaveLength(Object.keys(ERRORS).length);
});

test('every row says what to do', () => {
  const advice = [...PAGE.matchAll(ROW)].map(([, , , , what]) => what ?? '');
  expect(advice.filter((what) => what.trim().length < 10)).toEqual([]);
});
