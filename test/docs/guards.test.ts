import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { GUARD_WORDS } from '../../src/core/healing/guard-words.ts';
import { EARLY_GUARDS, PLAN_GUARDS } from '../../src/core/healing/guards.ts';

const PAGE = readFileSync(new URL('../../docs/guards.md', import.meta.url), 'utf8');

test('docs/guards.md has each guard, in the order they run, and no other', () => {
  const rows = [...PAGE.matchAll(/^\| `([a-z_]+)` \|/gm)].map((match) => match[1]);
  expect(rows).toEqual([...GUARD_WORDS]);
  expect([...EARLY_GUARDS, ...PLAN_GUARDS].map((guard) => guard.word)).toEqual(rows);
});
