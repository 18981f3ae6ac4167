import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate } from '../../../src/adapters/store/migrations.ts';
import { MIGRATIONS } from '../../../src/adapters/store/schema.ts';
import { type Sql, openSql } from '../../../src/adapters/store/sqlite.ts';
import * as guards from '../../../src/adapters/store/statements-guards.ts';
import { busy_wake } from '../../../src/adapters/store/statements.ts';
import { NOW } from '../../conformance/store-suite/make.ts';
import { useFolder } from './folder.ts';

/** Each look of a guard asks these: however long the history is, an index bounds what is read. */
const { path } = useFolder();
let sql: Sql;
beforeEach(() => {
  sql = openSql(path(), 0);
  migrate(sql, MIGRATIONS, NOW);
});
afterEach(() => sql.close());

/** Cut off by their limit, in order of insertion. */
const CUT_OFF: readonly string[] = ['wanted_since'];

test.each(Object.entries({ ...guards, busy_wake }))(
  '%s reads no table from end to end',
  (name, statement) => {
    const values = Array.from({ length: 40 }, () => 1);
    const rows = sql.all(`explain query plan ${statement}`, values);
    const scans = rows
      .map((row) => String(row['detail']))
      .filter((step) => step.startsWith('SCAN'));
    // A json_each list, a subquery, and the small partial index of what stands are bounded.
    const wide = scans.filter((step) => !/json_each|SCAN r$|\(sub|_(standing|open)$/.test(step));
    expect(CUT_OFF.includes(name) ? [] : wide).toEqual([]);
  },
);
