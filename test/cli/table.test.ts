import { expect, test } from 'vitest';
import { rowLine, tableText } from '../../src/cli/ask/table.ts';

const COLUMNS = [{ title: 'state' }, { title: 'name' }, { title: 'why' }];

test('columns are as wide as what stands in them, on a terminal; nothing is cut off', () => {
  const rows = [
    ['open', '重启', null],
    ['done', 'a-long-name', 'x'.repeat(120)],
  ];
  expect(tableText(COLUMNS, rows, false)).toBe(
    `STATE  NAME         WHY\nopen   重启         -\ndone   a-long-name  ${'x'.repeat(120)}\n`,
  );
});

test('what an alert sent makes no line of its own, steers no terminal and turns no text round', () => {
  const text = tableText(COLUMNS, [['done', 'a\nopen  b', '\u001B[2J\u202Ecba']], false);
  expect(text.split('\n')[1]).toBe('done   a open  b  ?[2J?cba');
  expect(rowLine([{ title: 'a', min: 4 }, { title: 'b' }], ['x', 'y\u009B2J'], false)).toBe(
    'x     y?2J\n',
  );
});

test('colours: the titles, and words that tell good from bad; the columns stay where they are', () => {
  const rows = [['escalated (budget)', 'a', 'b']];
  const coloured = tableText(COLUMNS, rows, true);
  expect(coloured).toContain('\u001B[31mescalated (budget)\u001B[0m  a');
  // oxlint-disable-next-line no-control-regex
  expect(coloured.replaceAll(/\u001B\[\d+m/g, '')).toBe(tableText(COLUMNS, rows, false));
  expect(coloured).not.toBe(tableText(COLUMNS, rows, false));
});
