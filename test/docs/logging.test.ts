import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/logging.md'), 'utf8');

/** Messages that the source logs: the text in quotes that ends a call of a logger. */
function logged(): readonly string[] {
  const messages = new Set<string>();
  for (const file of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(join(ROOT, 'src', file), 'utf8');
    for (const call of text.matchAll(/\blog\.(?:debug|info|warn|error|fatal)\(/g)) {
      const [, message] = /'([^'\n]+)',?\s*\)/.exec(text.slice(call.index)) ?? [];
      messages.add(message ?? `${file}: a message that is not a plain text`);
    }
  }
  return [...messages].toSorted();
}

test('docs/logging.md has every message that is logged, and no other', () => {
  const table = PAGE.slice(PAGE.indexOf('## The messages'), PAGE.indexOf('## What is never'));
  const rows = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, message = '']) => message),
  );
  expect(rows.toSorted()).toEqual(logged());
});
