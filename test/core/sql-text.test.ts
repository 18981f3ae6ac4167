import { expect, test } from 'vitest';
import { withoutLiterals } from '../../src/core/sql-text.ts';

test.each([
  ["select * from t1 where id = 42 and name = 'Ada'", 'select * from t1 where id = ? and name = ?'],
  [
    "insert into x values (1.5e3, -7, .5, 0xff, 'it''s', '')",
    'insert into x values (?, -?, ?, ?, ?, ?)',
  ],
  [String.raw`select E'a\'secret', e'b'`, 'select ?, ?'],
  [String.raw`select 'C:\', 'secret'`, 'select ?, ?'],
  ["select U&'d\\0061t', X'1F', B'01', n'x'", 'select ?, ?, ?, ?'],
  ['select $$secret$$, $a$ $b$ secret $a$, $1', 'select ?, ?, $1'],
  ['select "Col 1" from "t""2" where "x"=\'y\'', 'select "Col 1" from "t""2" where "x"=?'],
  ["select 1 -- for 'Ada'\n from t /* secret */ where a='b'", 'select ? from t where a=?'],
  ["update t set a = 'cut off in the midd", 'update t set a = ?'],
  ['select $$cut off', 'select ?'],
  ['select /* cut off', 'select'],
  ["select E'cut \\", 'select ?'],
  ["delete from name'secret'", 'delete from name?'],
])('%s', (query, wanted) => {
  expect(withoutLiterals(query, 200)).toBe(wanted);
});

test('is cut to the limit', () => {
  const cut = withoutLiterals(`select ${'a, '.repeat(1_000)}`, 200);
  expect(cut).toHaveLength(200);
  expect(cut.endsWith('…')).toBe(true);
});
