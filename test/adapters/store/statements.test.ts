import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrate } from '../../../src/adapters/store/migrations.ts';
import { MIGRATIONS } from '../../../src/adapters/store/schema.ts';
import { type Sql, openSql } from '../../../src/adapters/store/sqlite.ts';
import * as text from '../../../src/adapters/store/statements.ts';
import * as order from '../../../src/adapters/store/statements-order.ts';
import * as retention from '../../../src/adapters/store/statements-retention.ts';
import { NOW } from '../../conformance/store-suite/make.ts';
import { useFolder } from './folder.ts';

/** A statement and how SQLite has to go about it: by an index, never through a whole table. */
const BY_INDEX: Readonly<Record<string, string>> = {
  inbox: text.inbox,
  list_deliveries: text.list_deliveries,
  latest_episode: text.latest_episode,
  episode_by_id: text.episode_by_id,
  episode_repeat: text.episode_repeat,
  'episodes, open': text.listEpisodes([`state = 'open'`, `fingerprint >= ''`]),
  'episodes, fingerprint': text.listEpisodes(['fingerprint = $3']),
  'episodes, alertname': text.listEpisodes(['alertname = $3']),
  remediation_put: text.remediation_put,
  remediations_of: text.remediations_of,
  remediations_wake: text.remediations_wake,
  waiting_wake: text.waiting_wake,
  claim_remediations: order.claim_remediations,
  priority_raise: order.priority_raise,
  below_priority: order.below_priority,
  treatments: order.treatments,
  next_remediation: text.next_remediation,
  remediation_claims_release: text.remediation_claims_release,
  'remediations, live': text.listRemediations(['state = $3', `state <> 'done'`, 'next_at >= 0']),
  'remediations, rule': text.listRemediations(['rule = $3']),
  runs_of: text.runs_of,
  run_starts: text.run_starts,
  last_end_on: text.last_end_on,
  lease_put: text.lease_put,
  lease_held: text.lease_held,
  leases_wake: text.leases_wake,
  claim_leases: text.claim_leases,
  next_lease: text.next_lease,
  active_lease: text.active_lease,
  lock_conflict: text.lock_conflict,
  lock_conflict_alone: text.lock_conflict_alone,
  remediation_standing: text.remediation_standing,
  unlock: text.unlock,
  audit_slice: text.audit_slice,
  audit_rows: text.audit_rows,
  audit_since: text.audit_since,
  audit_until: text.audit_until,
  audit_blocks: text.auditBlocks('desc'),
  audit_minute_add: text.audit_minute_add,
  audit_minute_extend: text.audit_minute_extend,
  deliveries_look: retention.deliveries_look,
  deliveries_remove: retention.deliveries_remove,
  remediations_look: retention.remediations_look,
  episodes_look: retention.episodes_look,
  leases_look: retention.leases_look,
  holds_look: retention.holds_look,
  audit_held: retention.audit_held,
  audit_look: retention.audit_look,
  audit_block_rest: retention.audit_block_rest,
  audit_refs_remove: retention.audit_refs_remove,
  audit_remove: retention.audit_remove,
  audit_minutes_remove: retention.audit_minutes_remove,
  checkpoint_entry: retention.checkpoint_entry,
};

/** Keyset paging of the log: the index gives the order, nothing is sorted. */
const IN_ORDER: Readonly<Record<string, readonly string[]>> = {
  audit_target: ['target = $4'],
  audit_alertname: ['alertname = $4', 'kind = $5'],
  audit_kind: ['kind = $4'],
};

describe('how SQLite runs the catalogue', () => {
  const { path } = useFolder();
  let sql: Sql;
  beforeEach(() => {
    sql = openSql(path(), 0);
    migrate(sql, MIGRATIONS, NOW);
  });
  afterEach(() => sql.close());

  function plan(statement: string): readonly string[] {
    const values = Array.from({ length: 40 }, () => 1);
    const rows = sql.all(`explain query plan ${statement}`, values);
    return rows.map((row) => String(row['detail']));
  }

  test.each(Object.entries(BY_INDEX))('%s reads no table from end to end', (_, statement) => {
    for (const step of plan(statement)) {
      // A scan of a json_each list, of the subquery above it or through a partial index is bounded.
      if (step.startsWith('SCAN'))
        expect(step).toMatch(
          /json_each|SCAN (r|m|starving|urgent|usual|taken)$|USING .*INDEX|\(sub/,
        );
    }
  });

  test.each(Object.entries(IN_ORDER))('%s is followed in order of seq', (index, where) => {
    for (const direction of ['asc', 'desc'] as const) {
      const steps = plan(text.auditSeqs(where, direction));
      expect(steps).toHaveLength(1);
      expect(steps[0]).toContain(`USING COVERING INDEX ${index} `);
    }
  });

  test('claims and due times come from the small partial indexes', () => {
    const claim = plan(order.claim_remediations).join();
    // In the order of an index that has all that is asked: nothing is sorted, no row that is passed over is read.
    expect(claim).toContain('COVERING INDEX remediations_due (next_at<?)');
    expect(claim).toContain('COVERING INDEX remediations_urgent (priority>?)');
    expect(claim).not.toContain('TEMP B-TREE');
    expect(plan(order.priority_raise).join()).toContain('remediations_priority_of');
    expect(plan(order.treatments).join()).toContain('remediations_rule (rule=? AND rowid<?)');
    expect(plan(text.next_remediation).join()).toContain('remediations_due');
    expect(plan(text.waiting_wake).join()).toContain('remediations_waiting');
    expect(plan(text.claim_leases).join()).toContain('leases_due');
    expect(plan(text.active_lease).join()).toContain('leases_standing');
    expect(plan(text.count_live).join()).toContain('remediations_due');
  });
});
