import { createPostgres } from '../adapters/postgres.ts';
import { messageOf } from '../adapters/net-errors.ts';
import { ASK_TIMEOUT_MS } from './ask.ts';
import { type Finding, listed, notebook, type Notebook } from './finding.ts';
import type { Installation } from './installation.ts';

/** Looked at side by side; each costs its server a connection. */
const DATABASES_MAX = 20;
const ROLES = ['pg_read_all_stats', 'pg_signal_backend'];
const MISSING = `select r.rolname as role from pg_roles r
where r.rolname = any($1) and not pg_has_role(current_user, r.oid, 'member') order by 1`;

/** The policy's databases: do they take the connection, and may its user see and signal others? */
export async function checkDatabases(of: Installation): Promise<readonly Finding[]> {
  const configs = of.rules?.policy.databases ?? {};
  const names = Object.keys(configs);
  const note = notebook('databases');
  if (names.length > DATABASES_MAX)
    note.skip(`${names.length - DATABASES_MAX} more databases were not looked at`);
  const postgres = createPostgres(() => configs);
  const found = await Promise.all(
    names.slice(0, DATABASES_MAX).map(async (name) => {
      const own = notebook('databases');
      const users = of.needs.databases.filter(({ database }) => database === name);
      const rules = [...new Set(users.map(({ rule }) => rule))];
      await checkOne(own, postgres, name, rules);
      return own.findings();
    }),
  );
  return [...found.flat(), ...note.findings()];
}

async function checkOne(
  note: Notebook,
  postgres: ReturnType<typeof createPostgres>,
  name: string,
  rules: readonly string[],
): Promise<void> {
  try {
    const db = await postgres.connect(name, AbortSignal.timeout(ASK_TIMEOUT_MS));
    try {
      const missing = (await db.query(MISSING, [ROLES])).map(({ role }) => String(role));
      if (missing.length === 0) note.ok(`database ${name} answers; its user may see and signal`);
      else
        note.warn(
          `database ${name}: its user is no member of ${listed(missing)}: other users' queries stay hidden or cannot be cancelled`,
          `grant ${missing.join(', ')} to that user`,
        );
    } finally {
      await db.end();
    }
  } catch (error) {
    const fix = `correct databases: ${name}: in the policy, or let this machine and user in`;
    if (rules.length > 0) note.fail(`${messageOf(error)}; needed by ${listed(rules)}`, fix);
    else note.warn(`${messageOf(error)}; no enabled rule names it`, fix);
  }
}
