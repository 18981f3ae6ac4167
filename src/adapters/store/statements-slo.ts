/** The SQL of what the service counts of its own objectives. Columns: see schema-slo.ts. */

export const slo_count_add = `
insert into slo_counts (span_s, at_s, slo, drill, good, total) values ($1, $2, $3, $4, $5, $6)
on conflict (span_s, at_s, slo, drill) do update
set good = good + excluded.good, total = total + excluded.total`;
/** `$1`: the first minute, `$2`: the first whole hour from it on. */
export const slo_counts_since = `
select slo, drill, sum(good) as good, sum(total) as total from (
  select slo, drill, good, total from slo_counts where span_s = 60 and at_s >= $1 and at_s < $2
  union all
  select slo, drill, good, total from slo_counts where span_s = 3600 and at_s >= $2
) group by slo, drill order by slo, drill`;
export const slo_counts_oldest = `
select at_s from slo_counts where span_s = 60 order by at_s limit 1`;
/** `$1`: the begin of an hour, so that minutes and hours never tell a different story. */
export const slo_counts_remove = `
delete from slo_counts where span_s in (60, 3600) and at_s < $1`;

export const slo_beats_last = `
select from_ms as "from", to_ms as "to" from slo_beats order by from_ms desc limit 1`;
export const slo_beats_put = `
insert into slo_beats (from_ms, to_ms) values ($1, $2)
on conflict (from_ms) do update set to_ms = max(to_ms, excluded.to_ms)`;
export const slo_beats_remove = 'delete from slo_beats where from_ms = $1';
export const slo_beats_since = `
select from_ms as "from", to_ms as "to" from slo_beats where to_ms >= $1 order by from_ms`;
export const slo_beats_first = 'select from_ms from slo_beats order by from_ms limit 1';
export const slo_beats_remove_before = `
delete from slo_beats where to_ms < $1 and from_ms < (select max(from_ms) from slo_beats)`;
