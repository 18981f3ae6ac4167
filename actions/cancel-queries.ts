import { z } from 'zod';
import {
  ActionError,
  type ActionContext,
  defineAction,
  type Health,
  type Postgres,
} from '../src/action.ts';
import { APPLICATION_NAME } from '../src/adapters/postgres.ts';
import type { Json } from '../src/core/json.ts';
import type { Target } from '../src/core/healing/remediation.ts';
import { durationMs, durationText, plainText } from '../src/core/rules/param-parts.ts';
import { withoutLiterals } from '../src/core/sql-text.ts';

const DAY_MS = 86_400_000;
const QUERIES_MAX = 50;
const QUERY_SHOWN_CHARS = 200;
/** PostgreSQL cuts names to 63 bytes. */
const NAME_CHARS_MAX = 63;

const params = z
  .strictObject({
    database: z
      .string()
      .min(1)
      .max(NAME_CHARS_MAX)
      .describe('A name under `databases` in the policy.'),
    blocking: z
      .literal(true)
      .optional()
      .describe(
        'Only sessions that others wait for, and of those the first in the row. This, `older_than`, or both.',
      ),
    older_than: durationText(1_000, 30 * DAY_MS)
      .optional()
      .describe('Only what has run this long. This, `blocking`, or both.'),
    application: plainText(NAME_CHARS_MAX)
      .optional()
      .describe('Only sessions of exactly this `application_name`. Unset: all.'),
    user: plainText(NAME_CHARS_MAX)
      .optional()
      .describe('Only sessions of exactly this user. Unset: all but superusers.'),
    terminate: z
      .boolean()
      .default(false)
      .describe('`true`: end the session instead of cancelling its query.'),
    max: z.int().min(1).max(QUERIES_MAX).default(10).describe('At most so many, the oldest first.'),
  })
  .refine(({ blocking, older_than }) => blocking === true || older_than !== undefined, {
    error: 'say which queries: blocking: true, or older_than, or both',
  });
type Params = z.output<typeof params>;

export default defineAction<Params>({
  id: 'cancel_queries',
  summary: 'Cancel PostgreSQL queries that block others or have run too long.',
  backend: 'postgres',
  params,
  safe_to_repeat: false,
  leasable: false,

  /** What there is to cancel is not a matter of data: one target stands for all of it. */
  rehearse({ database, terminate }, world) {
    const id = `postgres/${database}/queries`;
    const call = terminate ? 'pg_terminate_backend' : 'pg_cancel_backend';
    return [
      {
        ...world.about(id),
        id,
        parents: [`postgres/${database}`],
        name: `queries of ${database}`,
        opt_in_hint: 'the database is declared under databases in the policy',
        observed: world.observed(id) ?? null,
        desired: null,
        cmd: `psql ${database} -c 'select ${call}(...)'`,
      },
    ];
  },

  async resolve(given, ctx) {
    const found = await withDatabase(given, ctx, (db) => find(db, given));
    return found.map((session) => targetOf(session, given));
  },

  async preview(given, target, ctx) {
    const running = await withDatabase(given, ctx, (db) => isRunning(db, sessionOf(target), given));
    const { application, user, age_ms, query } = sessionOf(target);
    const what = given.terminate ? 'end the session' : 'cancel the query';
    const about = `${user}, ${application === '' ? 'no application name' : application}, ${Math.round(age_ms / 1_000)} s`;
    return `${what} of ${target.name} (${about}): ${query}${running ? '' : '; it has ended meanwhile'}`;
  },

  async execute(given, target, ctx) {
    const session = sessionOf(target);
    const signalled = await withDatabase(given, ctx, (db) => signalSession(db, session, given));
    const { pid, application, user, state, age_ms, query } = session;
    const done = given.terminate ? 'terminated' : 'cancelled';
    const result = signalled ? done : 'ended_by_itself';
    return { result, pid, application, user, state, age_ms, query };
  },

  async verify(given, target, _evidence, ctx): Promise<Health> {
    const running = await withDatabase(given, ctx, (db) => isRunning(db, sessionOf(target), given));
    return running ? 'pending' : 'healthy';
  },

  /** A signal sent twice harms nobody, and one for a query that has ended reaches nobody. */
  async probe(given, target, ctx) {
    const running = await withDatabase(given, ctx, (db) => isRunning(db, sessionOf(target), given));
    return running ? 'not_done' : 'done';
  },
});

/** One query of one backend process: a pid alone may belong to somebody else a moment later. */
type Session = {
  pid: number;
  /** Microseconds since the epoch, as text: the server's own precision. */
  backend_start_us: string;
  query_start_us: string;
  application: string;
  user: string;
  state: string;
  age_ms: number;
  /** Without its literals. */
  query: string;
};

async function withDatabase<T>(
  { database }: Params,
  ctx: ActionContext,
  use: (db: Postgres) => Promise<T>,
): Promise<T> {
  const db = await ctx.clients.postgres(database, ctx.signal);
  try {
    return await use(db);
  } finally {
    await db.end();
  }
}

function microseconds(column: string): string {
  return `(extract(epoch from ${column}) * 1000000)::bigint::text`;
}

/**
 * Client sessions of this database, besides ours and, unless named by `user`, those of superusers.
 * Of those that block others only the first in the row: when they go, the others may go on.
 * A session idle in its transaction counts from the transaction's start, a query from its own.
 */
const FIND = `
select a.pid, a.usename as "user", coalesce(a.application_name, '') as application, a.state,
  ${microseconds('a.backend_start')} as backend_start_us, ${microseconds('a.query_start')} as query_start_us,
  left(a.query, 2000) as query,
  (extract(epoch from clock_timestamp() - case when a.state = 'active' then a.query_start
    else a.xact_start end) * 1000)::float8 as age_ms
from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
where a.datname = current_database() and a.backend_type = 'client backend'
  and a.pid <> pg_backend_pid() and a.application_name is distinct from $1
  and a.state in ('active', 'idle in transaction', 'idle in transaction (aborted)')
  and ($2::text is null or a.application_name = $2)
  and (case when $3::text is null then not r.rolsuper else a.usename = $3 end)
  and ($4::float8 is null or extract(epoch from clock_timestamp() - case when a.state = 'active'
    then a.query_start else a.xact_start end) * 1000 >= $4)
  and (not $5::boolean or (cardinality(pg_blocking_pids(a.pid)) = 0 and a.pid = any (
    select unnest(pg_blocking_pids(w.pid)) from pg_stat_activity w where w.wait_event_type = 'Lock')))
order by (not $6::boolean and a.state <> 'active'), age_ms desc, a.pid
limit ${QUERIES_MAX * 2}`;

/** What the server does not show to us it hides as a whole. */
const HIDDEN = `
select count(*)::int as hidden from pg_stat_activity
where datname = current_database() and query = '<insufficient privilege>'`;

async function find(db: Postgres, given: Params): Promise<readonly Session[]> {
  const { application, user, older_than, blocking } = given;
  const rows = await db.query(FIND, [
    APPLICATION_NAME,
    application ?? null,
    user ?? null,
    older_than === undefined ? null : durationMs(older_than),
    blocking === true,
    given.terminate,
  ]);
  const sessions = rows.map(readSession);
  const fitting = sessions.filter(({ state }) => given.terminate || state === 'active');
  if (fitting.length > 0) return fitting.slice(0, given.max);
  const idle = sessions[0];
  if (idle !== undefined)
    throw failure(
      'conflict',
      `pid ${idle.pid} of ${given.database} is ${idle.state} and runs no query that could be cancelled; only terminate: true ends it`,
    );
  const [counted] = await db.query(HIDDEN, []);
  const hidden = Number(counted?.['hidden'] ?? 0);
  if (hidden > 0)
    throw failure(
      'forbidden',
      `${given.database} hides ${hidden} sessions from autoheal's user; grant it pg_read_all_stats and pg_signal_backend`,
    );
  throw failure('not_found', `no query in ${given.database} ${describe(given)}`);
}

function describe({ blocking, older_than, application, user }: Params): string {
  const parts = [
    blocking === true ? 'blocks another' : '',
    older_than === undefined ? '' : `has run for ${older_than}`,
    application === undefined ? '' : `is of application ${application}`,
    user === undefined ? '' : `is of user ${user}`,
  ];
  return parts.filter((part) => part !== '').join(' and ');
}

function readSession(row: Readonly<Record<string, unknown>>): Session {
  function text(key: string): string {
    return typeof row[key] === 'string' ? row[key] : '';
  }
  return {
    pid: Number(row['pid']),
    backend_start_us: text('backend_start_us'),
    query_start_us: text('query_start_us'),
    application: text('application'),
    user: text('user'),
    state: text('state'),
    age_ms: Math.max(0, Math.round(Number(row['age_ms']))),
    query: withoutLiterals(text('query'), QUERY_SHOWN_CHARS),
  };
}

function targetOf(session: Session, { database, terminate }: Params): Target {
  const started_ms = session.backend_start_us.slice(0, -3);
  const call = terminate ? 'pg_terminate_backend' : 'pg_cancel_backend';
  return {
    id: `postgres/${database}/pid/${session.pid}@${started_ms}`,
    parents: [`postgres/${database}`],
    name: `${database} pid ${session.pid}`,
    opted_in: true,
    opt_in_hint: 'the database is declared under databases in the policy',
    observed: session,
    desired: null,
    cmd: `psql ${database} -c 'select ${call}(${session.pid})'`,
  };
}

/** The stored session. */
function sessionOf({ observed, id }: Target): Session {
  const session = observed as Json & Partial<Session>;
  if (typeof session?.pid === 'number') return session as Session;
  throw new ActionError('unexpected', `no session in what was stored of ${id}`, {
    retryable: false,
  });
}

/** The same process, still at the same query: told by the server in the statement that acts on it. */
const SAME = `a.pid = $1 and ${microseconds('a.backend_start')} = $2 and ${microseconds('a.query_start')} = $3`;

/** @returns false when the query had ended. */
async function signalSession(db: Postgres, session: Session, given: Params): Promise<boolean> {
  const call = given.terminate ? 'pg_terminate_backend' : 'pg_cancel_backend';
  const state = given.terminate ? `a.state <> 'idle'` : `a.state = 'active'`;
  const rows = await db.query(
    `select ${call}(a.pid) as sent from pg_stat_activity a where ${SAME} and ${state}`,
    [session.pid, session.backend_start_us, session.query_start_us],
  );
  return rows[0]?.['sent'] === true;
}

/** Does it still run the query? Of a session that was to be ended: is it still there, and not at rest? */
async function isRunning(db: Postgres, session: Session, given: Params): Promise<boolean> {
  const state = given.terminate ? `a.state <> 'idle'` : `a.state = 'active'`;
  const rows = await db.query(
    `select 1 as one from pg_stat_activity a where ${SAME} and ${state}`,
    [session.pid, session.backend_start_us, session.query_start_us],
  );
  return rows.length > 0;
}

function failure(code: 'conflict' | 'forbidden' | 'not_found', message: string): ActionError {
  return new ActionError(code, message, { retryable: false });
}
