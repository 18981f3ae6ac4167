import { type Board, OURS, perMinute, quantile } from './board.ts';

const LIVE = 'drill="false"';
const PROBES = 'job=~"tcp-endpoints|probe-.+"';

/** How a share of a budget is coloured, whoever's it is. */
const BUDGET_LEFT = {
  below: 'red',
  limits: [
    [0, 'orange'],
    [0.25, 'yellow'],
    [0.5, 'green'],
  ],
  max: 1,
} as const;

export const SLO: Board = {
  uid: 'autoheal-slo',
  title: 'autoheal: SLO and burn',
  summary:
    'First after a page: is the promise kept, how fast is the budget going, and what is seen from outside?',
  shows: '24h',
  rows: [
    {
      title: 'Is the promise kept?',
      height: 7,
      panels: [
        {
          kind: 'bars',
          title: 'Budget left of 30 days',
          answers: 'Which objective is worst off. 100 % is untouched; below 0 it is missed.',
          act: 'Below a quarter: automate nothing new. The alert of that objective has its section in docs/runbooks/autoheal-slo.md.',
          unit: 'percentunit',
          width: 6,
          queries: [
            { expr: `sort(autoheal:slo_budget_remaining:ratio30d{${LIVE}})`, legend: '{{slo}}' },
          ],
          ...BUDGET_LEFT,
          empty: 'no events yet',
        },
        {
          kind: 'bars',
          title: 'Burning now (1 h)',
          answers:
            'How many times faster than allowed the budget goes. 1 spends it exactly in 30 days.',
          act: 'From 14.4 on somebody is paged. The objective says where: webhook, audit log, actions, or the service itself.',
          unit: 'suffix:x',
          width: 6,
          queries: [{ expr: `sort_desc(autoheal:burn_fast{${LIVE}})`, legend: '{{slo}}' }],
          limits: [
            [1, 'yellow'],
            [6, 'orange'],
            [14.4, 'red'],
          ],
          max: 20,
          empty: 'no events yet',
        },
        {
          kind: 'bars',
          title: 'Burning for long (6 h)',
          answers: 'What does not go by itself.',
          act: 'High here and low in the hour: it is over. High in both: it goes on.',
          unit: 'suffix:x',
          width: 6,
          queries: [{ expr: `sort_desc(autoheal:burn_slow{${LIVE}})`, legend: '{{slo}}' }],
          limits: [
            [1, 'yellow'],
            [3, 'orange'],
            [6, 'red'],
          ],
          max: 10,
          empty: 'no events yet',
        },
        {
          kind: 'bars',
          title: 'Budget gone in',
          answers:
            'How long the budget lasts if the last hour goes on. A burn below 1 counts as 1.',
          act: 'Hours: act now. Days: a ticket for the morning.',
          unit: 's',
          width: 6,
          queries: [
            {
              expr: `sort(2592000 * clamp(autoheal:slo_budget_remaining:ratio30d{${LIVE}}, 0, 1) / clamp_min(autoheal:burn_fast{${LIVE}}, 1))`,
              legend: '{{slo}}',
            },
          ],
          below: 'red',
          limits: [
            [21_600, 'orange'],
            [259_200, 'yellow'],
            [864_000, 'green'],
          ],
          empty: 'no events yet',
        },
        {
          kind: 'lines',
          title: 'Burn rate',
          answers: 'When it began, and whether it ends. Thin dashes are the factors of the alerts.',
          act: 'Look what else began then: a release, failures on purpose, a backend.',
          unit: 'suffix:x',
          width: 9,
          queries: [
            { expr: `autoheal:burn_fast{${LIVE}}`, legend: '{{slo}} 1h' },
            { expr: `autoheal:burn_slow{${LIVE}}`, legend: '{{slo}} 6h' },
          ],
          limits: [
            [6, 'orange'],
            [14.4, 'red'],
          ],
        },
        {
          kind: 'lines',
          title: 'Share that was bad (5 min)',
          answers: 'What is happening at this minute, before the hour shows it.',
          act: 'At 0 while an alert still fires: wait, its short window ends within minutes.',
          unit: 'percentunit',
          width: 9,
          queries: [{ expr: `autoheal:slo_error:ratio5m{${LIVE}}`, legend: '{{slo}}' }],
        },
        {
          kind: 'stat',
          title: 'Known of the 30 days',
          answers: 'How much of the window there is data for. A fresh installation knows little.',
          act: 'Far below what its age allows: Prometheus lost data, or did not scrape.',
          unit: 'percentunit',
          width: 6,
          queries: [{ expr: 'max(autoheal:slo_coverage:ratio30d)', legend: 'of 30 days' }],
          below: 'blue',
        },
      ],
    },
    {
      title: 'What makes the budget burn',
      height: 7,
      panels: [
        {
          kind: 'stat',
          title: 'Alerts on autoheal itself',
          answers: 'Whether autoheal is what is ill. It never heals itself.',
          act: 'Open the alert; its annotation leads to its runbook.',
          unit: 'none',
          width: 4,
          queries: [
            {
              expr: 'sum(ALERTS{alertstate="firing", service="autoheal", severity="page"}) or vector(0)',
              legend: 'pages',
            },
            {
              expr: 'sum(ALERTS{alertstate="firing", service="autoheal", severity="ticket"}) or vector(0)',
              legend: 'tickets',
            },
          ],
          limits: [[1, 'red']],
        },
        {
          kind: 'lines',
          title: 'Heartbeats',
          answers: 'Whether the worker goes round and the store answers: 12 a minute.',
          act: 'Fewer: a starved machine. None: AutohealAvailabilityBurnFast in docs/runbooks/autoheal-slo.md.',
          unit: 'suffix: / min',
          width: 5,
          queries: [
            { expr: perMinute(`autoheal_heartbeats_total{${OURS}, ${LIVE}}`), legend: 'beats' },
          ],
        },
        {
          kind: 'lines',
          title: 'How long a delivery takes',
          answers: 'Whether Alertmanager gets its 202 in time. 99.5 % have to be within 250 ms.',
          act: 'Slow: the disk. See the dashboard of audit and store.',
          unit: 's',
          width: 5,
          queries: [0.5, 0.99].map((q) => ({
            expr: quantile(
              q,
              'autoheal_webhook_request_duration_seconds',
              `${OURS}, outcome="accepted", ${LIVE}`,
            ),
            legend: `${q * 100} % within`,
          })),
          limits: [[0.25, 'red']],
          empty: 'no deliveries',
        },
        {
          kind: 'lines',
          title: 'Steps that failed',
          answers: 'Whether actions work: of 1,000 steps 5 may fail.',
          act: '`autoheal audit --kind action_fail --since 1h` has the reasons. Failures on purpose are marked in purple.',
          unit: 'suffix: / min',
          width: 5,
          queries: [
            {
              expr: perMinute(
                `autoheal_remediations_total{${OURS}, ${LIVE}, outcome=~"failure|timeout"}`,
                'outcome',
              ),
              legend: '{{outcome}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Deliveries to itself',
          answers:
            'Whether a delivery gets in at this moment, also when nobody sends one: autoheal posts to itself.',
          act: 'Not `ok`: what the webhook says to Alertmanager too. docs/runbooks/autoheal-service.md.',
          unit: 'suffix: / min',
          width: 5,
          queries: [
            {
              expr: perMinute(`autoheal_self_probe_total{${OURS}}`, 'result'),
              legend: '{{result}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Seen from outside',
      height: 7,
      panels: [
        {
          kind: 'stat',
          title: 'Probes',
          answers:
            'What users of the protected services meet. Health every 15 s, a whole journey every 10 minutes.',
          act: 'One fails: docs/runbooks/probe-failing.md. All fail: the prober or its network.',
          unit: 'none',
          width: 8,
          queries: [
            {
              expr: `min by (service, job) (last_over_time(probe_success{${PROBES}}[25m]))`,
              legend: '{{service}} {{job}}',
            },
          ],
          below: 'red',
          limits: [[1, 'green']],
          words: { '0': ['fails', 'red'], '1': ['answers', 'green'] },
          empty: 'nobody probes',
        },
        {
          kind: 'lines',
          title: 'How long a probe takes',
          answers: 'What becomes slow before it fails. A health probe may take 3 s, a journey 9 s.',
          act: 'Rising: look at that service now, while it still answers.',
          unit: 's',
          width: 8,
          queries: [
            {
              expr: `max by (service, job) (last_over_time(probe_duration_seconds{${PROBES}}[11m]))`,
              legend: '{{service}} {{job}}',
            },
          ],
          limits: [[3, 'orange']],
        },
        {
          kind: 'bars',
          title: "Services' budgets",
          answers:
            'Whether healing is enough: what is left of the budgets of the services that autoheal protects.',
          act: 'Spent although autoheal heals: the cure hides a symptom. See docs/slo.md.',
          unit: 'percentunit',
          width: 8,
          queries: [
            { expr: 'sort(service:slo_budget_remaining:ratio30d)', legend: '{{service}} {{slo}}' },
          ],
          ...BUDGET_LEFT,
          empty: 'no data of services yet',
        },
      ],
    },
  ],
};
