import { OURS, perMinute, quantile, type Row } from './board.ts';

/** Who asks, who is refused, what the webhook lost, and the process itself. */
export const REQUESTS: readonly Row[] = [
  {
    title: 'Who asks?',
    height: 7,
    panels: [
      {
        kind: 'lines',
        title: 'Answers to deliveries',
        answers: 'Whether every delivery is accepted.',
        act: '`overloaded` and `error` are sent again by Alertmanager. `rejected_auth`: the token of the receiver.',
        unit: 'suffix: / min',
        width: 8,
        queries: [
          {
            expr: perMinute(`autoheal_webhook_request_duration_seconds_count{${OURS}}`, 'outcome'),
            legend: '{{outcome}}',
          },
        ],
      },
      {
        kind: 'lines',
        title: 'All requests',
        answers: 'How much the API is asked, and how it answers.',
        act: '5xx: the log has each, with the request.',
        unit: 'suffix: / min',
        width: 8,
        queries: [
          {
            expr: perMinute(`autoheal_http_requests_total{${OURS}}`, 'status_class'),
            legend: '{{status_class}}',
          },
        ],
      },
      {
        kind: 'lines',
        title: 'Not let in',
        answers: 'Who has no token, a wrong one, too small a role, or asks too often.',
        act: '`wrong_token` rising: a token was changed on one side, or somebody tries.',
        unit: 'suffix: / min',
        width: 8,
        queries: [
          {
            expr: perMinute(`autoheal_auth_denied_total{${OURS}}`, 'reason'),
            legend: '{{reason}}',
          },
          {
            expr: perMinute(`autoheal_rate_limited_total{${OURS}}`, 'limit'),
            legend: 'too often: {{limit}}',
          },
        ],
      },
      {
        kind: 'lines',
        title: 'Slowest routes (95 %)',
        answers: 'Which question takes long.',
        act: 'One route: what is asked. All: the machine.',
        unit: 's',
        width: 8,
        queries: [
          {
            expr: `topk(5, ${quantile(0.95, 'autoheal_http_request_duration_seconds', OURS, 'route')})`,
            legend: '{{route}}',
          },
        ],
        empty: 'nobody asked',
      },
      {
        kind: 'lines',
        title: 'Looking for what was lost',
        answers: 'Rounds of questions to Alertmanager, and alerts that no delivery told of.',
        act: '`unseen` that keep coming: the webhook loses alerts. docs/reconcile.md.',
        unit: 'suffix: / min',
        width: 8,
        queries: [
          {
            expr: perMinute(`autoheal_reconcile_polls_total{${OURS}}`, 'result'),
            legend: 'asked: {{result}}',
          },
          {
            expr: perMinute(`autoheal_reconcile_findings_total{${OURS}}`, 'finding'),
            legend: 'found: {{finding}}',
          },
        ],
      },
      {
        kind: 'lines',
        title: 'The process',
        answers: 'Whether the machine starves it: the longest time that everything had to wait.',
        act: 'Over 1 s: too little CPU, or a debugger. Heartbeats come late next.',
        unit: 's',
        width: 4,
        queries: [
          { expr: `max(nodejs_eventloop_delay_max_seconds{${OURS}})`, legend: 'longest wait' },
          {
            expr: `sum(rate(process_cpu_seconds_total{${OURS}}[$__rate_interval]))`,
            legend: 'CPU a second',
          },
        ],
        limits: [[1, 'red']],
      },
      {
        kind: 'lines',
        title: 'Memory',
        answers: 'Whether it grows without end.',
        act: 'A steady climb over days: restart at leisure, it loses nothing, and report it.',
        unit: 'bytes',
        width: 4,
        queries: [
          { expr: `max(process_resident_memory_bytes{${OURS}})`, legend: 'resident' },
          { expr: `max(nodejs_heap_used_bytes{${OURS}})`, legend: 'heap' },
        ],
      },
    ],
  },
];
