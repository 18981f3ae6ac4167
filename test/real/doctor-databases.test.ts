import { expect, test } from 'vitest';
import { createPostgres } from '../../src/adapters/postgres.ts';
import type { DatabaseConfig } from '../../src/core/rules/rule.ts';
import { compilePolicy } from '../../src/core/rules/policy-compile.ts';
import { checkDatabases } from '../../src/doctor/databases.ts';
import { installation, linesOf } from '../doctor/world.ts';
import { haveParts } from './parts.ts';
import { startPostgres, SUPERUSER } from './postgres.ts';

test.skipIf(!haveParts('postgres'))('doctor tells who may see and signal others', async () => {
  const real = await startPostgres();
  try {
    const config: DatabaseConfig = { url: real.url('postgres', SUPERUSER), url_file: null };
    const db = await createPostgres(() => ({ admin: config })).connect(
      'admin',
      AbortSignal.timeout(10_000),
    );
    await db.query('create role plain login', []);
    await db.query('create role watcher login in role pg_read_all_stats, pg_signal_backend', []);
    await db.end();
    const text = ['plain', 'watcher', 'nobody']
      .map((user) => `  ${user}: { url: '${real.url('postgres', user)}' }\n`)
      .join('');
    const { policy } = compilePolicy({ file: 'autoheal.yaml', text: `databases:\n${text}` });
    if (policy === undefined) throw new Error('the policy of the test does not compile');
    const rules = { version: '', rules: [], policy, loaded_at: 0 };
    const needs = { databases: [{ rule: 'unblock', database: 'nobody' }] };
    expect(linesOf(await checkDatabases({ ...installation({}, needs), rules }))).toEqual([
      expect.stringMatching(/^warn: database plain: .*pg_read_all_stats, pg_signal_backend.*grant/),
      'ok: database watcher answers; its user may see and signal',
      expect.stringMatching(/^fail: .*nobody.*; needed by unblock/),
    ]);
  } finally {
    await real.stop();
  }
});
