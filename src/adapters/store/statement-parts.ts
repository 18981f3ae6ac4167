import type { Table } from './rows.ts';

/** The parts that statements are made of: see statements.ts. */

/**
 * `wakes` belongs to whoever wakes, `fence` to whoever claims, `cancel` and `ended_by` to operators, `priority`
 * to the keeper; the worker's copy of them is old.
 */
const NOT_THE_WORKERS = ['wakes', 'fence', 'next_at', 'cancel', 'ended_by', 'priority'];

/** The parameter of a column, where a table's columns are bound in their order. */
export function at<T>(into: Table<T>, column: string): string {
  return `$${into.columns.indexOf(column) + 1}`;
}

/** Each column but those to keep, set to its parameter. */
export function assigned<T>(into: Table<T>, keep: readonly string[]): string {
  return into.columns
    .filter((column) => !keep.includes(column))
    .map((column) => `${column} = ${at(into, column)}`)
    .join(', ');
}

export function insert<T>(into: Table<T>): string {
  const values = into.columns.map((_, index) => `$${index + 1}`);
  return `insert into ${into.name} (${into.columns.join(', ')}) values (${values.join(', ')})`;
}

export function upsert<T>(into: Table<T>, key: readonly string[], keep: readonly string[]): string {
  const set = into.columns
    .filter((column) => !keep.includes(column))
    .map((column) => `${column} = excluded.${column}`);
  return `${insert(into)} on conflict (${key.join(', ')}) do update set ${set.join(', ')}`;
}

/** Fenced replace. Woken meanwhile (the row's wakes differ): looked at again at once. */
export function put<T>(into: Table<T>, keep: readonly string[]): string {
  const [wakes, next_at] = [at(into, 'wakes'), at(into, 'next_at')];
  return `
update ${into.name} set ${assigned(into, [...keep, ...NOT_THE_WORKERS])},
  next_at = case when wakes = ${wakes} then ${next_at} else 0 end
where id = ${at(into, 'id')} and fence = ${at(into, 'fence')}`;
}

/** `$1` worker, `$2` now, `$3` until, `$4` limit; on PostgreSQL the inner select ends in `for update skip locked`. */
export function claim(from: string, columns: string, live: string): string {
  return `
update ${from} set fence = fence + 1, claimed_by = $1, claim_until = $3
where n in (
  select n from ${from} where ${live} and next_at <= $2 and claim_until <= $2
  order by next_at, claim_until, n limit $4
)
returning n, ${columns}`;
}

export function nextDue(from: string, live: string): string {
  return `
select next_at from ${from} where ${live} and claim_until <= $1 order by next_at limit 1`;
}

/** `next_at >= 0` holds for every row; it lets the partial index be chosen. */
export function release(from: string, live: string): string {
  return `
update ${from} set claimed_by = null, claim_until = 0
where ${live} and next_at >= 0 and claimed_by is not null`;
}

/** `$1`: rows before this n; `$2`: the limit. */
export function list(columns: string, from: string, where: readonly string[]): string {
  const conditions = ['n < $1', ...where];
  return `select ${columns} from ${from} where ${conditions.join(' and ')} order by n desc limit $2`;
}
