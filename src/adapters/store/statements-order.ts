import { STARVING_AFTER_MS } from '../../core/healing/priority.ts';
import { REMEDIATIONS } from './rows.ts';

/** The SQL of who gets a place first, and of what became of a rule's remediations. */

const FREE = `state <> 'done' and claim_until <= $2`;
const DUE = `${FREE} and next_at <= $2`;
/** One bound on next_at only: with a second one SQLite may walk the index by the wider. */
const STARVING = `next_at <= $2 - ${STARVING_AFTER_MS} and updated_at <= $2 - ${STARVING_AFTER_MS}`;

/**
 * `$1` worker, `$2` now, `$3` until, `$4` limit. The rows come back in no order.
 *
 * Three looks instead of one `order by`, which would read and sort all that is due at each claim: the first and the
 * last walk `remediations_due` in its order and stop, the middle one walks an index that only what is urgent is in,
 * so it costs nothing where no burn rate is asked for. A later look gets the places that the earlier ones left, none
 * when they took all. One statement, so that it is one claim; on PostgreSQL each look ends in
 * `for update skip locked`.
 */
export const claim_remediations = `
with starving as materialized (
  select n from remediations where ${FREE} and ${STARVING}
  order by next_at, claim_until, updated_at limit $4
), urgent as materialized (
  select n from remediations where ${DUE} and priority > 0 and not (${STARVING})
  order by priority desc, next_at, claim_until, updated_at
  limit (select $4 - count(*) from starving)
), usual as materialized (
  select n from remediations where ${DUE} and priority = 0 and not (${STARVING})
  order by next_at, claim_until, updated_at
  limit (select $4 - count(*) from (select n from starving union all select n from urgent) taken)
)
update remediations set fence = fence + 1, claimed_by = $1, claim_until = $3
where n in (
  select n from starving union all select n from urgent union all select n from usual
)
returning n, ${REMEDIATIONS.columns.join(', ')}`;

/** `$1`: whose burn rate, `$2`: the priority. Not lowered: who was urgent once keeps its place. */
export const priority_raise = `
update remediations set priority = $2
where state <> 'done' and priority_of = $1 and priority < $2`;
export const below_priority = `
select id from remediations
where state <> 'done' and priority_of = $1 and priority < $2 order by n limit $3`;

/**
 * `$1`: the rule, `$2`: only rows before this n, `$3`: the limit. Pages by n, so that a look costs the same however
 * long the history is; who asks stops at the first page that is older than it wants. The runs of a remediation, and
 * those of other rules for the same episode, are few, and each is found by a key. The labels are JSON as text, which
 * PostgreSQL has to cast first.
 */
export const treatments = `
select m.n, m.episode_id, m.created_at, m.held_out_until, m.outcome, m.started_by is not null as by_hand,
  m.drill, e.closed_at, coalesce(e.labels ->> 'severity' = 'critical', 0) as critical,
  (select min(r.started_at) from runs r where r.remediation_id = m.id) as acted_at,
  coalesce((select max(r.chaos) from runs r where r.remediation_id = m.id), 0) as chaos,
  (select min(r.started_at) from remediations o join runs r on r.remediation_id = o.id
   where o.episode_id = m.episode_id and o.rule <> m.rule) as others_acted_at
from (
  select n, id, episode_id, rule, created_at, held_out_until, outcome, started_by, drill
  from remediations where rule = $1 and n < $2 order by n desc limit $3
) m join episodes e on e.id = m.episode_id
order by m.n desc`;
