import type { Delivery, Recorded, RecordedQuery } from '../../store.ts';
import { checkLimit } from './cursor.ts';
import { delivery } from './rows.ts';
import type { Row, Sql } from './sqlite.ts';

/** Bodies that one read may bring into memory, bytes; one larger body still comes alone. */
const READ_BYTES_MAX = 64 * 1024 * 1024;

/** Bounded by seq, not by rows that fit: what is too old or too young costs no more than a look at its head. */
const RECORDED = `
select d.seq, d.id, d.received_at, d.source, d.trace_id, d.body, coalesce(f.failures, 0) as failures
from deliveries d left join delivery_failures f on f.seq = d.seq
where d.seq > $1 and d.seq <= $2 and d.received_at >= $3 and d.received_at < $4
order by d.seq`;
const RANGE = `
select coalesce((select min(seq) from deliveries), 0) as first,
  coalesce((select max(seq) from deliveries), 0) as last`;

/** What was recorded, a bounded look at a time; see `Store.recorded`. */
export function recorded(sql: Sql, { after, limit, since, until }: RecordedQuery): Recorded {
  checkLimit(limit);
  const range = sql.get(RANGE) as { first: number; last: number };
  // Retention has removed what was before the first.
  const from = Math.max(after, range.first - 1);
  const to = Math.min(from + limit, range.last);
  const values = [from, to, since ?? 0, until ?? Number.MAX_SAFE_INTEGER];
  const { deliveries, cut } = bounded(sql.iterate(RECORDED, values));
  if (cut) return { deliveries, next: deliveries.at(-1)?.seq ?? to };
  return { deliveries, next: to < range.last ? to : null };
}

/** As many as may come into memory at once; `cut`: there were more. */
export function bounded(rows: Iterable<Row>): {
  readonly deliveries: readonly Delivery[];
  readonly cut: boolean;
} {
  const deliveries: Delivery[] = [];
  let bytes = 0;
  for (const row of rows) {
    const next = delivery(row);
    bytes += next.body.byteLength;
    if (deliveries.length > 0 && bytes > READ_BYTES_MAX) return { deliveries, cut: true };
    deliveries.push(next);
  }
  return { deliveries, cut: false };
}
