import { type Board, inRange, OURS, perMinute } from './board.ts';

const DRILL = 'drill="true"';

export const DRILLS: Board = {
  uid: 'autoheal-drills',
  title: 'autoheal: drills and chaos',
  summary:
    'While failures are injected or a drill runs: is it bounded, does the loop hold, and is the live budget untouched?',
  shows: '3h',
  rows: [
    {
      title: 'Failures on purpose',
      height: 6,
      panels: [
        {
          kind: 'stat',
          title: 'Chaos',
          answers: 'Whether steps are made to fail on purpose at this moment.',
          act: 'On, and nobody meant it: restart without AUTOHEAL_CHAOS_FAILURE_RATE.',
          unit: 'none',
          width: 4,
          queries: [{ expr: `max(autoheal_chaos_enabled{${OURS}})`, legend: 'chaos' }],
          limits: [[1, 'orange']],
          words: { '0': ['off', 'green'], '1': ['ON', 'orange'] },
        },
        {
          kind: 'stat',
          title: 'Ends in',
          answers: 'When it ends by itself. 0: it is off.',
          act: 'Below 0 for a minute: AutohealChaosStuckOn in docs/runbooks/autoheal-slo.md.',
          unit: 's',
          width: 4,
          queries: [
            {
              expr: `(max(autoheal_chaos_expires_timestamp_seconds{${OURS}} > 0) - time()) or vector(0)`,
              legend: 'left',
            },
          ],
          below: 'red',
          limits: [[-5, 'blue']],
        },
        {
          kind: 'lines',
          title: 'Injected failures',
          answers: 'Which actions were made to fail, and how often.',
          act: 'None while chaos is on: nothing acts, so nothing is tried.',
          unit: 'suffix: / min',
          width: 8,
          queries: [
            {
              expr: perMinute(`autoheal_action_attempts_total{${OURS}, result="chaos"}`, 'action'),
              legend: '{{action}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Burn of action success',
          answers: 'Whether the alerts see it: 5 % of failures burn at 10x, 10 % at 20x and page.',
          act: 'Chaos above 7 % and no page: the alerts do not work. That is what the drill is for.',
          unit: 'suffix:x',
          width: 8,
          queries: [
            { expr: 'autoheal:burn_fast{slo="action_success"}', legend: '1h, drill {{drill}}' },
            { expr: 'autoheal:burn_slow{slo="action_success"}', legend: '6h, drill {{drill}}' },
          ],
          limits: [[14.4, 'red']],
        },
      ],
    },
    {
      title: 'Drills',
      height: 6,
      panels: [
        {
          kind: 'bars',
          title: 'Steps of drills, in the time shown',
          answers: 'How the steps that drills caused ended.',
          act: 'A failure here is a finding: the audit log has it with `drill: true`.',
          unit: 'short',
          width: 8,
          queries: [
            {
              expr: inRange(`autoheal_remediations_total{${OURS}, ${DRILL}}`, 'outcome'),
              legend: '{{outcome}}',
            },
          ],
          below: 'blue',
        },
        {
          kind: 'lines',
          title: 'Deliveries of drills',
          answers: 'Whether the alerts of a drill arrive.',
          act: 'None while a drill runs: the way from its fault to here is cut.',
          unit: 'suffix: / min',
          width: 8,
          queries: [
            {
              expr: perMinute(
                `autoheal_webhook_request_duration_seconds_count{${OURS}, ${DRILL}}`,
                'outcome',
              ),
              legend: '{{outcome}}',
            },
          ],
        },
        {
          kind: 'stat',
          title: 'Since a drill last passed',
          answers: 'How old the proof is that the whole loop works, by drill.',
          act: 'Over 35 days: run it. AutohealDrillStale in docs/runbooks/autoheal-slo.md.',
          unit: 's',
          width: 8,
          queries: [
            {
              expr: `time() - (max by (drill_name) (autoheal_drill_last_success_timestamp_seconds{${OURS}}) > 0)`,
              legend: '{{drill_name}}',
            },
          ],
          limits: [[3_024_000, 'orange']],
          empty: 'no drill has passed yet',
        },
      ],
    },
    {
      title: 'The live budget is untouched',
      height: 6,
      panels: [
        {
          kind: 'bars',
          title: 'Burn of drills and of real work (1 h)',
          answers: 'Drills burn a budget of their own. The live one must not move because of them.',
          act: 'Live burns while only a drill runs: its alerts lack the label drill="true".',
          unit: 'suffix:x',
          width: 12,
          queries: [{ expr: 'sort_desc(autoheal:burn_fast)', legend: '{{slo}}, drill {{drill}}' }],
          limits: [
            [1, 'yellow'],
            [14.4, 'red'],
          ],
          max: 20,
        },
        {
          kind: 'lines',
          title: 'Budget of action success',
          answers: 'What a drill or chaos took, and what is left.',
          act: 'Chaos counts as real: end it before the budget does.',
          unit: 'percentunit',
          width: 12,
          queries: [
            {
              expr: 'autoheal:slo_budget_remaining:ratio30d{slo="action_success"}',
              legend: 'left, drill {{drill}}',
            },
          ],
        },
      ],
    },
  ],
};
