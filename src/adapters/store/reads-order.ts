import { setImmediate } from 'node:timers/promises';
import { type Treatment, TREATMENTS_PAGE_MAX } from '../../core/benefit/treatment.ts';
import type { Store } from '../../store.ts';
import type { Row, Sql } from './sqlite.ts';
import * as text from './statements-order.ts';

type OrderReads = Pick<Store, 'belowPriority' | 'treatments'>;

/** Who waits with a lower priority, and what became of a rule's remediations. */
export function createOrderReads(sql: Sql): OrderReads {
  return {
    belowPriority: async (of, priority, limit) =>
      sql.column<string>(text.below_priority, [of.toWellFormed(), priority, limit]),
    async treatments({ rule, before = Number.MAX_SAFE_INTEGER, limit }) {
      // A look at a month is many of these: what else there is to do comes in between.
      await setImmediate();
      const rows = Math.min(limit, TREATMENTS_PAGE_MAX);
      return sql.all(text.treatments, [rule.toWellFormed(), before, rows]).map(treatmentOf);
    },
  };
}

function treatmentOf(row: Row): Treatment {
  const { chaos, drill, by_hand, critical } = row;
  return {
    ...(row as unknown as Treatment),
    chaos: chaos === 1,
    drill: drill === 1,
    by_hand: by_hand === 1,
    critical: critical === 1,
  };
}
