import { AUDIT, EPISODE_REPEATS, EPISODES, LEASES, REMEDIATIONS, RUNS } from './rows.ts';
import {
  assigned,
  at,
  claim,
  insert,
  list,
  nextDue,
  put,
  release,
  upsert,
} from './statement-parts.ts';

/**
 * Every statement of the store. Lower case, numbered parameters, and the same text for PostgreSQL
 * wherever the dialects agree; what is SQLite's own says so.
 */

/** What a row is about never changes, so it is not written again and its indexes are not touched. */
const EPISODE_IDENTITY = ['id', 'fingerprint', 'alertname'];
const REMEDIATION_IDENTITY = [
  'id',
  'episode_id',
  'fingerprint',
  'alertname',
  'rule',
  'rule_hash',
  'created_at',
  'priority_of',
  'held_out_until',
];
const remediation = REMEDIATIONS.columns.join(', ');
const lease = LEASES.columns.join(', ');
const episode = EPISODES.columns.join(', ');
const run = RUNS.columns.join(', ');
const audit = AUDIT.columns.join(', ');

/** A lease whose change may still be in place. Literally the predicate of the partial indexes. */
export const STANDING = `state in ('active', 'reverting')`;

export const begin = 'begin immediate';
export const commit = 'commit';
export const rollback = 'rollback';
export const savepoint = 'savepoint unit';
export const savepoint_keep = 'release unit';
/** SQLite keeps the savepoint open after rolling back to it; PostgreSQL too. */
export const savepoint_undo = 'rollback to unit';

/* ------------------------------------------------------------------ deliveries */

export const delivery_add = `
insert into deliveries (id, received_at, source, trace_id, body) values ($1, $2, $3, $4, $5)`;
export const inbox_cursor = `select seq from cursors where name = 'inbox'`;
export const inbox_advance = `update cursors set seq = $2 where name = 'inbox' and seq = $1`;
export const delivery_failed = `
insert into delivery_failures (seq, failures, parked, error) values ($1, 1, $2, $3)
on conflict (seq) do update
set failures = delivery_failures.failures + 1, parked = excluded.parked, error = excluded.error`;
export const inbox = `
select d.seq, d.id, d.received_at, d.source, d.trace_id, d.body, coalesce(f.failures, 0) as failures
from deliveries d left join delivery_failures f on f.seq = d.seq
where d.seq > $1 and coalesce(f.parked, 0) = 0
order by d.seq limit $2`;
/**
 * The largest number instead of a count: a backlog of a million is not read to be measured. SQLite
 * numbers without gaps; a store that leaves gaps has to count.
 */
export const inbox_depth = `
select (select coalesce(max(seq), 0) from deliveries) - c.seq
  - (select count(*) from delivery_failures where seq > c.seq and parked = 1) as pending,
  (select d.received_at from deliveries d left join delivery_failures f on f.seq = d.seq
   where d.seq > c.seq and coalesce(f.parked, 0) = 0 order by d.seq limit 1) as oldest_received_at
from cursors c where c.name = 'inbox'`;
/** length() of a blob is in its row's header: no body is read. */
export const list_deliveries = `
select d.seq, d.id, d.received_at, d.source, length(d.body) as bytes,
  case when f.parked = 1 then 'parked'
    when d.seq > (select seq from cursors where name = 'inbox') then 'pending'
    else 'drained' end as state,
  f.error
from deliveries d left join delivery_failures f on f.seq = d.seq
where d.seq < $1 order by d.seq desc limit $2`;

/* ------------------------------------------------------------------ episodes */

export const episode_put = upsert(EPISODES, ['id'], EPISODE_IDENTITY);
/** A storm is made of repeats: six columns and no index instead of a row and four. */
export const episode_repeat = `
update episodes set ${assigned(EPISODE_REPEATS, ['id'])} where id = ${at(EPISODE_REPEATS, 'id')}`;
/** By `n`, not by opened_at: a clock that went back must not hide the newest episode. */
export const latest_episode = `
select ${episode} from episodes where fingerprint = $1 order by n desc limit 1`;
export const episode_by_id = `select ${episode} from episodes where id = $1`;
export const episode_state = 'select state from episodes where id = $1';
export function listEpisodes(where: readonly string[]): string {
  return list(`n, ${episode}`, 'episodes', where);
}

/* ------------------------------------------------------------------ remediations */

export const remediation_add = insert(REMEDIATIONS);
export const remediation_put = put(REMEDIATIONS, REMEDIATION_IDENTITY);
export const remediation_by_id = `select ${remediation} from remediations where id = $1`;
export const remediations_of = `
select ${remediation} from remediations where episode_id = $1 order by n`;
export const remediations_wake = `
update remediations set wakes = wakes + 1, next_at = 0 where episode_id = $1 and state <> 'done'`;
export const waiting_wake = `
update remediations set wakes = wakes + 1, next_at = 0 where state = 'waiting' and reason = $1`;
/**
 * `$1`: who held the lock, `$2`: the limit. Whoever was woken already is passed over. Who says that it waits for
 * this holder comes first; that the sentence may say something else costs a wake, not the order.
 */
export const busy_wake = `
update remediations set wakes = wakes + 1, next_at = 0 where n in (
  select n from remediations where state = 'waiting' and reason = 'busy' and next_at > 0
  order by instr(detail, $1) > 0 desc, n limit $2)`;
export const next_remediation = nextDue('remediations', `state <> 'done'`);
export const remediation_fence = 'select fence from remediations where id = $1';
export const remediation_standing = `
select m.fence, e.state as episode from remediations m join episodes e on e.id = m.episode_id
where m.id = $1`;
export const remediation_claims_release = release('remediations', `state <> 'done'`);
/** Live rows from the small index, done ones as the rest: no index on state has to be kept. */
export const count_live = `
select state, count(*) as rows from remediations where state <> 'done' group by state`;
export const count_remediations = 'select count(*) from remediations';
export const oldest_live = `
select state, min(created_at) as since from remediations where state <> 'done' group by state
union all
select 'lease', min(created_at) from leases where state in ('active', 'reverting')`;
export function listRemediations(where: readonly string[]): string {
  return list(`n, ${remediation}`, 'remediations', where);
}

/* ------------------------------------------------------------------ runs */

/** What a run is about never changes: its indexes are not touched by its outcome. */
const RUN_IDENTITY = [
  'id',
  'remediation_id',
  'rule',
  'step',
  'action',
  'target',
  'target_id',
  'params',
  'chaos',
  'started_at',
];
export const run_put = upsert(RUNS, ['remediation_id', 'id'], RUN_IDENTITY);
export const runs_of = `
select ${run} from runs where remediation_id = $1 order by step, started_at, id`;
/**
 * Looks at the newest 1,000 runs on the target: a run older than those holds no lock any more, and
 * without the bound a target that was healed for years would make each guard slower.
 */
export const last_end_on = `
select max(m.ended_at) from (
  select remediation_id from runs where target_id = $1 and remediation_id <> $2
  order by started_at desc limit 1000
) r join remediations m on m.id = r.remediation_id`;
/** The newest start of each remediation, so that it counts as long as one of its runs is in the window. */
export const run_starts = `
select max(started_at) as at from runs
where target_id = $1 and rule = $2 and started_at >= $3 and remediation_id <> $4
group by remediation_id order by at desc limit 10000`;

/* ------------------------------------------------------------------ leases */

export const lease_add = insert(LEASES);
export const lease_put = put(LEASES, ['id', 'target_id', 'created_at']);
export const lease_holder_add = `
insert into lease_holders (episode_id, lease_id) values ($1, $2) on conflict do nothing`;
/** Most episodes have no lease, and to begin an update costs four times this look. */
export const lease_held = 'select 1 from lease_holders where episode_id = $1 limit 1';
export const leases_wake = `
update leases set wakes = wakes + 1, next_at = 0
where ${STANDING} and id in (select lease_id from lease_holders where episode_id = $1)`;
export const claim_leases = claim('leases', lease, STANDING);
export const next_lease = nextDue('leases', STANDING);
export const lease_fence = 'select fence from leases where id = $1';
export const lease_claims_release = release('leases', STANDING);
export const active_lease = `select ${lease} from leases where target_id = $1 and ${STANDING}`;
export const active_leases = `select ${lease} from leases where ${STANDING} order by n`;

/* ------------------------------------------------------------------ locks */

/** Another holder has the target at all, or one of its parents ($3, a JSON array) whole. */
export const lock_conflict = `
select holder from locks
where holder <> $1 and (target = $2
  or (whole = 1 and target in (select value from json_each($3)))) limit 1`;
/** For a target without parents, as most are: a table-valued function costs ten times the look itself. */
export const lock_conflict_alone = `
select holder from locks where target = $1 and holder <> $2 limit 1`;
/** Whole wins over shared when one holder asks for both. */
export const lock = `
insert into locks (target, holder, whole, locked_at) values ($1, $2, $3, $4)
on conflict (target, holder) do update set whole = 1 where excluded.whole = 1`;
export const unlock = 'delete from locks where holder = $1';

/* ------------------------------------------------------------------ small things */

export const flag = 'select value, updated_at, actor from flag_values where key = $1';
export const flag_put = `
insert into flag_values (key, value, updated_at, actor) values ($1, $2, $3, $4)
on conflict (key) do update
set value = excluded.value, updated_at = excluded.updated_at, actor = excluded.actor`;
export const setting = 'select value from settings where key = $1';
export const setting_put = `
insert into settings (key, value) values ($1, $2)
on conflict (key) do update set value = excluded.value`;
export const setting_delete = 'delete from settings where key = $1';
export const rule_text_add = `
insert into rule_texts (hash, name, text, added_at) values ($1, $2, $3, $4)
on conflict (hash) do nothing`;
export const rule_text = 'select name, text from rule_texts where hash = $1';
export const ping = `select seq from cursors where name = 'inbox'`;
/** Changes nothing, and is written all the same. */
export const probe = `update cursors set seq = seq where name = 'inbox'`;

/* ------------------------------------------------------------------ audit */

export const audit_add = insert(AUDIT);
export const audit_head = 'select seq, hash from audit order by seq desc limit 1';
export const audit_row = `select ${audit} from audit where seq = $1`;
export const audit_slice = `
select ${audit} from audit where seq >= $1 and seq <= $2 order by seq limit $3`;
export const audit_rows = `
select ${audit} from audit where seq in (select value from json_each($1)) order by seq`;
/** A seq is always larger than those before it, so a minute's first_seq never has to be lowered later. */
export const audit_minute_add = `
insert into audit_minutes (minute, first_seq, last_seq) values ($1, coalesce(
  (select m.first_seq from audit_minutes m where m.minute > $1 order by m.minute limit 1), $2), $3)
on conflict (minute) do nothing`;
/** Touches one row, unless the clock went back: then the minutes it had reached as well. */
export const audit_minute_extend = `
update audit_minutes set last_seq = $2 where minute >= $1 and last_seq < $2`;
export const audit_since = `
select first_seq from audit_minutes where minute >= $1 order by minute limit 1`;
export const audit_until = `
select last_seq from audit_minutes where minute <= $1 order by minute desc limit 1`;
export const audit_ref_add = `
insert into audit_refs (ref, block) values ($1, $2) on conflict do nothing`;
/** `$1`: the refs, a JSON array; `$2` and `$3`: bounds of the block, inclusive; `$4`: the limit. */
export function auditBlocks(order: 'asc' | 'desc'): string {
  return `
select distinct block from audit_refs
where ref in (select value from json_each($1)) and block >= $2 and block <= $3
order by block ${order} limit $4`;
}
/** A loose index scan: SQLite has none, so each step of the recursion seeks the next kind. */
export const audit_kinds = `
with recursive k (kind) as (
  select min(kind) from audit
  union all
  select (select min(a.kind) from audit a where a.kind > k.kind) from k where k.kind is not null
)
select kind from k where kind is not null`;
/** `$1` and `$2`: bounds of seq, inclusive; `$3`: the limit. */
export function auditSeqs(where: readonly string[], order: 'asc' | 'desc'): string {
  const conditions = ['seq >= $1', 'seq <= $2', ...where];
  return `select seq from audit where ${conditions.join(' and ')} order by seq ${order} limit $3`;
}
