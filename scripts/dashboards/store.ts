import { type Board, inRange, OURS, perMinute, quantile } from './board.ts';
import { REQUESTS } from './store-requests.ts';

export const STORE: Board = {
  uid: 'autoheal-store',
  title: 'autoheal: audit and store',
  summary:
    'Is what was accepted on disk, can the audit log be believed, and how much room is left?',
  shows: '6h',
  rows: [
    {
      title: 'Can it be relied on?',
      height: 4,
      panels: [
        {
          kind: 'stat',
          title: 'Database',
          answers: 'Whether it serves. If not, deliveries get 503 and are sent again.',
          act: 'AutohealStoreDown in docs/runbooks/autoheal-service.md; docs/metrics.md has each fault.',
          unit: 'none',
          width: 4,
          queries: [{ expr: `min(autoheal_store_up{${OURS}})`, legend: 'database' }],
          below: 'red',
          limits: [[1, 'green']],
          words: { '0': ['does not serve', 'red'], '1': ['serves', 'green'] },
        },
        {
          kind: 'stat',
          title: 'Audit log',
          answers: 'Whether the chain of hashes holds.',
          act: 'Changed: keep a copy of the database first; `GET /api/v1/audit/verify` names the entry.',
          unit: 'none',
          width: 4,
          queries: [{ expr: `min(autoheal_audit_chain_ok{${OURS}})`, legend: 'chain' }],
          below: 'red',
          limits: [[1, 'green']],
          words: { '0': ['was changed', 'red'], '1': ['holds', 'green'] },
        },
        {
          kind: 'stat',
          title: 'Gone through',
          answers: 'How long ago the whole log was last checked.',
          act: 'Over some hours: a very long log, or a slow disk.',
          unit: 's',
          width: 4,
          queries: [
            {
              expr: `(time() - max(autoheal_audit_verified_timestamp_seconds{${OURS}} > 0)) or vector(-1)`,
              legend: 'ago',
            },
          ],
          limits: [[21_600, 'orange']],
          words: { '-1': ['not since the start', 'text'] },
        },
        {
          kind: 'stat',
          title: 'Deliveries waiting',
          answers: 'What is accepted and not yet looked at.',
          act: 'Growing: a storm, or the drain hangs. AutohealBacklog in docs/runbooks/autoheal-service.md.',
          unit: 'short',
          width: 4,
          queries: [{ expr: `max(autoheal_inbox_deliveries{${OURS}})`, legend: 'waiting' }],
          limits: [
            [100, 'yellow'],
            [10_000, 'red'],
          ],
        },
        {
          kind: 'stat',
          title: 'Put aside, in the time shown',
          answers: 'Deliveries that failed three times. Nobody acted on their alerts.',
          act: '`autoheal deliveries` shows them; AutohealDeliveryParked in docs/runbooks/autoheal-service.md.',
          unit: 'short',
          width: 4,
          queries: [
            { expr: inRange(`autoheal_deliveries_parked_total{${OURS}}`), legend: 'parked' },
          ],
          limits: [[1, 'red']],
        },
        {
          kind: 'stat',
          title: 'Last Watchdog',
          answers: 'Whether the way from Prometheus to here is open.',
          act: 'Over 10 minutes: no other alert would arrive either. AutohealAlertPipelineStale.',
          unit: 's',
          width: 4,
          queries: [
            {
              expr: `(time() - max(autoheal_watchdog_last_received_timestamp_seconds{${OURS}} > 0)) or vector(-1)`,
              legend: 'ago',
            },
          ],
          limits: [[600, 'red']],
          words: { '-1': ['never came', 'text'] },
        },
      ],
    },
    {
      title: 'How quick is the disk?',
      height: 7,
      panels: [
        {
          kind: 'lines',
          title: 'Writing the audit log',
          answers:
            'How long a synced commit with audit entries takes. 99.9 % have to be within 100 ms.',
          act: 'Slow: look at what else writes to this disk.',
          unit: 's',
          width: 8,
          queries: [0.5, 0.99].map((q) => ({
            expr: quantile(q, 'autoheal_audit_write_seconds', `${OURS}, result="ok"`),
            legend: `${q * 100} % within`,
          })),
          limits: [[0.1, 'red']],
          empty: 'nothing was written',
        },
        {
          kind: 'lines',
          title: 'What the database takes (95 %)',
          answers: 'Which kind of work is slow: a commit, a claim of work, a read.',
          act: 'Reads slow and commits not: a long list is asked for. All slow: the disk or the machine.',
          unit: 's',
          width: 8,
          queries: [
            { expr: quantile(0.95, 'autoheal_store_seconds', OURS, 'op'), legend: '{{op}}' },
          ],
          limits: [[0.1, 'orange']],
          empty: 'nothing was asked',
        },
        {
          kind: 'lines',
          title: 'Entries and failed writes',
          answers: 'How much is written down, and whether a write failed.',
          act: 'Failed writes: nothing acts meanwhile, because its intent cannot be written. The disk.',
          unit: 'suffix: / min',
          width: 8,
          queries: [
            { expr: perMinute(`autoheal_audit_entries_total{${OURS}}`), legend: 'entries' },
            {
              expr: perMinute(`autoheal_audit_write_seconds_count{${OURS}, result="error"}`),
              legend: 'failed writes',
            },
          ],
        },
      ],
    },
    {
      title: 'How much room is left?',
      height: 7,
      panels: [
        {
          kind: 'lines',
          title: 'Limits',
          answers: 'How near each limit is, 100 % is reached.',
          act: 'docs/metrics.md says what happens at each. AutohealLimitNear fires at 80 %.',
          unit: 'percentunit',
          width: 8,
          queries: [
            { expr: `max by (limit) (autoheal_limit_used_ratio{${OURS}})`, legend: '{{limit}}' },
          ],
          limits: [[0.8, 'red']],
        },
        {
          kind: 'lines',
          title: 'Disk and database',
          answers: 'What the database takes, and what the disk has left.',
          act: 'Below 1 GiB: free space, or shorten retention in the policy.',
          unit: 'bytes',
          width: 8,
          queries: [
            { expr: `max(autoheal_database_bytes{${OURS}})`, legend: 'database' },
            { expr: `min(autoheal_disk_free_bytes{${OURS}} >= 0)`, legend: 'free' },
          ],
        },
        {
          kind: 'lines',
          title: 'Removed by age',
          answers: 'Whether retention keeps the database small.',
          act: 'None for days and the database grows: look at `retention` in the policy.',
          unit: 'suffix: / min',
          width: 8,
          queries: [
            {
              expr: perMinute(`autoheal_retention_rows_total{${OURS}}`, 'table'),
              legend: '{{table}}',
            },
          ],
        },
      ],
    },
    ...REQUESTS,
  ],
};
