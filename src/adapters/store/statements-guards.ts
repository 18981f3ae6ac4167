import { APPROVALS, HOLDS, LEASES } from './rows.ts';
import { insert, upsert } from './statement-parts.ts';
import { STANDING } from './statements.ts';

/** Statements of what operators ask for and of what the guards look at beyond one target. */

const hold = HOLDS.columns.join(', ');
const approval = APPROVALS.columns.join(', ');
const lease = LEASES.columns.join(', ');

/* ------------------------------------------------------------------ operators */

export const hold_put = upsert(HOLDS, ['id'], ['id']);
export const hold_by_id = `select ${hold} from holds where id = $1`;
/**
 * An acknowledgement is over with the episode that it is for. `+n`: SQLite shall not go through the whole table
 * only because that is in order already; there are few that stand.
 */
export const holds_standing = `
select ${hold} from holds where ended_at is null and (until is null or until > $1)
and (kind <> 'ack' or episode in (select e.id from episodes e where e.id = holds.episode and e.state = 'open'))
order by +n`;

export const approval_add = insert(APPROVALS);
export const approval_answer = `
update approvals set state = $2, answered_by = $3, reason = $4, answered_at = $5
where id = $1 and state = 'asked' and expires_at > $5`;
export const approval_use = `update approvals set state = 'used' where id = $1 and state = 'granted'`;
export const approval_for = `
select ${approval} from approvals where remediation_id = $1 and plan_hash = $2 order by n desc limit 1`;
export const approval_of = `
select ${approval} from approvals where remediation_id = $1 order by n desc limit 1`;
/** Not those that nothing waits for any more: the alert resolved, or a plan made since was asked about instead. */
export const approvals_open = `
select ${approval} from approvals where state = 'asked' and expires_at > $1
and exists (select 1 from remediations m where m.id = remediation_id and m.state = 'waiting')
and not exists (select 1 from approvals newer
  where newer.remediation_id = approvals.remediation_id and newer.n > approvals.n)
order by +n limit 1000`;

export const remediation_cancel = `
update remediations set cancel = $2, wakes = wakes + 1, next_at = 0
where id = $1 and state <> 'done'`;
export const remediation_wake = `
update remediations set wakes = wakes + 1, next_at = 0 where id = $1 and state <> 'done'`;
export const lease_end = `
update leases set ended_by = $2, wakes = wakes + 1, next_at = 0 where id = $1 and ${STANDING}`;
export const last_lease = `
select ${lease} from leases where target_id = $1 order by n desc limit 1`;

/* ------------------------------------------------------------------ windows over all targets */

export const start_count = `select seq from cursors where name = 'starts'`;
export const start_counted = `
update cursors set seq = seq + 1 where name = 'starts' and ($1 is null or seq = $1)`;
/**
 * `$1`: the parents, a JSON array. All that such a holder works on counts: which of its targets are siblings is
 * not kept, and one sibling too many only waits.
 */
export const lock_sharers = `
select count(*) from locks where whole = 1 and holder <> $2 and holder in (
  select holder from locks where target in (select value from json_each($1)))`;
/**
 * A remediation counts once, by its newest run. `$4`: how many newer ones to pass over. `|| ''`: the window is found
 * by its time, not by going through all runs because those are grouped already.
 */
export const nth_start = `
select max(started_at) as at from runs
where started_at >= $1 and ($2 is null or rule = $2) and remediation_id <> $3
group by remediation_id || '' order by at desc limit 1 offset $4`;
export const touched_since = `
select target_id || '' as target, json_extract(target, '$.group.id') as "group", max(started_at) as at
from runs where started_at >= $1 and remediation_id <> $2 group by target_id || '' limit $3`;
/** The newest rows by insertion: no index on the time has to be kept for a count that is small by itself. */
export const wanted_since = `
select count(distinct fingerprint) from (
  select fingerprint, created_at from remediations order by n desc limit $2
) where created_at >= $1`;
/** Failures on purpose, drills and errors of ours say nothing about the rule. */
export const outcomes_on = `
select m.outcome from (
  select remediation_id, max(started_at) as at from runs where target_id = $1 and rule = $2
  group by remediation_id having max(chaos) = 0 order by at desc limit $3 + 20
) r join remediations m on m.id = r.remediation_id
where m.outcome in ('healed', 'escalated') and m.drill = 0 and m.reason <> 'internal'
order by r.at desc limit $3`;
