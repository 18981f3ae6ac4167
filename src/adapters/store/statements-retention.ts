import { STANDING } from './statements.ts';

/**
 * Statements of retention (DESIGN §8). Those that look read a slice by its key; those that delete take
 * a JSON array of what was found. Of tables that number by insertion the newest row stays: SQLite
 * numbers from the largest, and cursors compare numbers.
 */

/* ------------------------------------------------------------------ deliveries */

/** `$1`: after this seq; `$2`: the limit. length() of a blob is in its row's header. */
export const deliveries_look = `
select seq, received_at, length(body) as bytes from deliveries
where seq > $1 and seq < (select seq from cursors where name = 'inbox')
  and seq < (select max(seq) from deliveries)
order by seq limit $2`;
export const delivery_failures_remove = `
delete from delivery_failures where seq in (select value from json_each($1))`;
export const deliveries_remove = `
delete from deliveries where seq in (select value from json_each($1))`;

/* ------------------------------------------------------------------ what happened */

/** A lease that stands keeps the story of all who hold or held it. */
const LEASED = `exists (
  select 1 from lease_holders h join leases l on l.id = h.lease_id
  where h.episode_id = @ and l.${STANDING})`;

/**
 * `$1`: after this n; `$2`: the limit; `$3`: the age; `$4`: the start of the longest window of a guard.
 * `old`: rows of its age may be ripe; `ripe`: this one can go.
 */
export const remediations_look = `
select n, id, created_at < $3 as old,
  state = 'done' and coalesce(ended_at, updated_at) < $3
  and n < (select max(n) from remediations)
  and not exists (select 1 from runs r where r.remediation_id = remediations.id and r.started_at >= $4)
  and not exists (select 1 from episodes e
    where e.id = remediations.episode_id and (e.state = 'open' or e.closed_at >= $3))
  and not ${LEASED.replace('@', 'remediations.episode_id')} as ripe
from remediations where n > $1 order by n limit $2`;
export const remediations_remove = [
  `delete from runs where remediation_id in (select value from json_each($1))`,
  `delete from approvals where remediation_id in (select value from json_each($1))`,
  `delete from remediations where id in (select value from json_each($1))`,
];

/** After its remediations, so that no transaction grows with the length of a story. */
export const episodes_look = `
select n, id, opened_at < $3 as old,
  state = 'closed' and closed_at < $3
  and n < (select max(n) from episodes)
  and not exists (select 1 from remediations m where m.episode_id = episodes.id)
  and not ${LEASED.replace('@', 'episodes.id')} as ripe
from episodes where n > $1 order by n limit $2`;
export const episodes_remove = [
  `delete from lease_holders where episode_id in (select value from json_each($1))`,
  `delete from episodes where id in (select value from json_each($1))`,
];

export const leases_look = `
select n, id, created_at < $3 as old,
  not ${STANDING} and updated_at < $3 and n < (select max(n) from leases) as ripe
from leases where n > $1 order by n limit $2`;
export const leases_remove = [`delete from leases where id in (select value from json_each($1))`];

export const holds_look = `
select n, id, since < $3 as old,
  n < (select max(n) from holds) and (coalesce(ended_at, until, $3) < $3
    or (kind = 'ack' and not exists (select 1 from episodes e where e.id = holds.episode))) as ripe
from holds where n > $1 order by n limit $2`;
export const holds_remove = [`delete from holds where id in (select value from json_each($1))`];

/* ------------------------------------------------------------------ audit */

export const checkpoint = `
select seq as removed_to_seq, hash, ts from audit_checkpoint order by seq desc limit 1`;
export const audit_hash = 'select hash from audit where seq = $1';
export const checkpoint_add = 'insert into audit_checkpoint (seq, hash, ts) values ($1, $2, $3)';
export const checkpoint_before_remove = 'delete from audit_checkpoint where seq < $1';
export const checkpoint_entry = `
select detail from audit where kind = 'audit_checkpoint' order by seq desc limit 1`;

/**
 * The first block of audit_refs that tells of an episode which is open, has a live remediation or a
 * standing lease. Episodes are numbered in the order of their first entries, so the oldest of each
 * sort are enough. The indexes are named (SQLite's own): the planner would walk the tables by `n`.
 */
export const audit_held = `
select min(block) from audit_refs where ref in (select id from episodes where n in (
  select n from (select n from episodes indexed by episodes_open where state = 'open' order by n limit 100)
  union all
  select n from (select e.n from remediations m indexed by remediations_due
    join episodes e on e.id = m.episode_id where m.state <> 'done' order by e.n limit 100)
  union all
  select n from (select e.n from leases l indexed by leases_due, json_each(l.holders)
    join episodes e on e.id = json_extract(json_each.value, '$.episode_id')
    where l.${STANDING} order by e.n limit 100)))`;
/** `$1`: up to this seq; `$2`: the limit. */
export const audit_look = `
select seq, fingerprint, episode, remediation from audit where seq <= $1 order by seq limit $2`;
/** `$1`: after this seq; `$2`: the last of the block. */
export const audit_block_rest = `
select fingerprint, episode, remediation from audit where seq > $1 and seq <= $2`;
export const audit_refs_remove = `
delete from audit_refs where block = $1 and ref in (select value from json_each($2))`;
export const audit_remove = 'delete from audit where seq <= $1';
export const audit_minutes_look = `
select minute, last_seq from audit_minutes order by minute limit $1`;
export const audit_minutes_remove = 'delete from audit_minutes where minute <= $1';
