import { existsSync } from 'node:fs';
import type { Store } from '../../store.ts';
import { checkOwner } from './migrations.ts';
import { recorded } from './recorded.ts';
import { openSql, type Sql } from './sqlite.ts';

/** A service that is at it keeps its lock; waiting for it would be in vain, ms. */
const BUSY_TIMEOUT_MS = 100;

/**
 * What is recorded in a database that no service has open. Nothing is written, not even the schema brought up to date.
 * @throws Error that says what to do.
 */
export function openRecorded(
  path: string,
): Pick<Store, 'recorded'> & { readonly close: () => void } {
  if (!existsSync(path)) throw new Error(`database ${path} does not exist`);
  let sql: Sql | undefined;
  try {
    const opened = openSql(path, BUSY_TIMEOUT_MS, { readonly: true });
    sql = opened;
    checkOwner(opened);
    opened.get('select 1 from deliveries limit 1');
    return { recorded: async (query) => recorded(opened, query), close: () => opened.close() };
  } catch (error) {
    sql?.close();
    // The driver's word for every way in which somebody else has it.
    if (!(error instanceof Error) || !/database is locked/.test(error.message)) throw error;
    throw new Error(
      `database ${path} is in use: ask the service that has it open (leave --database out), or stop it`,
      { cause: error },
    );
  }
}
