import { createHash } from 'node:crypto';
import type { Sql } from './sqlite.ts';

export interface Migration {
  /** From 1, without gaps. */
  readonly version: number;
  readonly name: string;
  /** True when an older autoheal cannot work on the new schema: it refuses to start on it. */
  readonly breaking: boolean;
  readonly sql: string;
}

interface Applied {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
  readonly breaking: number;
}

/** Says whose file it is, in the file's header ("AuHe"): we never write into another program's. */
const APPLICATION_ID = 0x41754865;

/**
 * Refuses a file that is another program's. Reads only.
 * @throws Error saying what to do.
 */
export function checkOwner(sql: Sql): void {
  const [id] = sql.column<number>('pragma application_id');
  if (id === APPLICATION_ID) return;
  const [tables] = sql.column<number>('select count(*) from sqlite_master');
  if (id === 0 && tables === 0) return;
  throw new Error(
    `database ${sql.path} belongs to another program (application id ${id}, ${tables} tables and ` +
      'indexes): point AUTOHEAL_DATABASE_URL to a file of its own',
  );
}

/**
 * Brings the schema up to date, one transaction a migration. The version's row goes in first, so
 * that of two processes that race the second fails before it changes anything.
 * @throws Error when a newer, breaking schema is found, or an applied migration was edited.
 */
export function migrate(sql: Sql, migrations: readonly Migration[], now: number): void {
  sql.exec(`
    begin immediate;
    pragma application_id = ${APPLICATION_ID};
    create table if not exists migrations (
      version integer primary key, name text not null, checksum text not null,
      breaking integer not null, applied_at integer not null
    ) strict;
    commit;
  `);
  const applied = sql.all(
    'select version, name, checksum, breaking from migrations order by version',
  ) as unknown as Applied[];
  refuseNewer(sql.path, migrations, applied);
  const done = new Map(applied.map((row) => [row.version, row]));
  for (const migration of migrations) {
    const before = done.get(migration.version);
    if (before === undefined) apply(sql, migration, now);
    else refuseEdited(sql.path, migration, before);
  }
}

function apply(sql: Sql, migration: Migration, now: number): void {
  sql.exec('begin immediate');
  try {
    sql.run(
      `insert into migrations (version, name, checksum, breaking, applied_at)
       values ($1, $2, $3, $4, $5)`,
      [
        migration.version,
        migration.name,
        checksum(migration),
        migration.breaking ? 1 : 0,
        Math.round(now),
      ],
    );
    sql.exec(migration.sql);
    sql.exec('commit');
  } catch (error) {
    if (sql.inTransaction()) sql.exec('rollback');
    throw error;
  }
}

/** A newer schema that only added things is fine; a breaking one is not ours to write into. */
function refuseNewer(
  path: string,
  migrations: readonly Migration[],
  applied: readonly Applied[],
): void {
  const newest = migrations.at(-1)?.version ?? 0;
  const breaking = applied.findLast((row) => row.version > newest && row.breaking === 1);
  if (breaking === undefined) return;
  throw new Error(
    `database ${path} was written by a newer autoheal: its schema is at ${breaking.version} ` +
      `(${breaking.name}), this version knows ${newest}. Start the newer autoheal, or restore the ` +
      'backup made before the upgrade',
  );
}

function refuseEdited(path: string, migration: Migration, before: Applied): void {
  if (before.checksum === checksum(migration)) return;
  throw new Error(
    `database ${path}: migration ${migration.version} (${migration.name}) differs from the one ` +
      'that was applied. This build was changed, or the database is from another build: use the ' +
      'released version that made it',
  );
}

function checksum(migration: Migration): string {
  return createHash('sha256').update(migration.sql).digest('hex');
}
