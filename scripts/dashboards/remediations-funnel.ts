import { inRange, OURS, type Row } from './board.ts';

const OUTCOMES = 'autoheal_remediation_outcomes_total';
const STEPS = 'autoheal_remediations_total';

/** Where alerts are lost on the way to a healed target, and what came of the rest. */
export const FUNNEL: Row = {
  title: 'From delivery to healed, in the time shown',
  height: 8,
  panels: [
    {
      kind: 'bars',
      title: 'Funnel',
      answers: 'Where alerts are lost on the way from a delivery to a healed target.',
      act: 'Much above, little below: look at the first step that is short. No rule took it: "What alerts meant". A guard: "What held it back".',
      unit: 'short',
      width: 10,
      queries: [
        {
          expr: inRange(
            `autoheal_webhook_request_duration_seconds_count{${OURS}, outcome="accepted"}`,
          ),
          legend: '1 deliveries accepted',
        },
        {
          expr: inRange(`autoheal_alerts_total{${OURS}, event="firing"}`),
          legend: '2 alerts began to fire',
        },
        { expr: inRange(`${OUTCOMES}{${OURS}}`), legend: '3 remediations ended' },
        {
          expr: inRange(`${STEPS}{${OURS}, outcome=~"success|failure|timeout"}`),
          legend: '4 steps tried',
        },
        { expr: inRange(`${OUTCOMES}{${OURS}, outcome="healed"}`), legend: '5 healed' },
      ],
      below: 'blue',
    },
    {
      kind: 'bars',
      title: 'How they ended',
      answers: 'Healed, handed to a person, refused by a guard, previewed or cancelled.',
      act: '`escalated`: `autoheal audit --kind escalated --since 6h`. `refused`: "What held it back".',
      unit: 'short',
      width: 7,
      queries: [{ expr: inRange(`${OUTCOMES}{${OURS}}`, 'outcome'), legend: '{{outcome}}' }],
      below: 'blue',
    },
    {
      kind: 'stat',
      title: 'Healed without a person',
      answers: 'Of those that were tried to the end, how many healed.',
      act: 'Falling: which rule? `autoheal audit --kind remediation_done --result escalated --since 1d`.',
      unit: 'percentunit',
      width: 7,
      queries: [
        {
          expr: `sum(increase(${OUTCOMES}{${OURS}, outcome="healed"}[$__range])) / (sum(increase(${OUTCOMES}{${OURS}, outcome=~"healed|escalated"}[$__range])) > 0)`,
          legend: 'healed',
        },
      ],
      below: 'red',
      limits: [
        [0.5, 'orange'],
        [0.8, 'green'],
      ],
      empty: 'none was tried',
    },
    {
      kind: 'bars',
      title: 'By rule',
      answers: 'What each rule achieved: healed, or handed to a person.',
      act: 'One rule escalates and never heals: mend or disable it. `autoheal audit --rule NAME --since 1d` has the reasons.',
      unit: 'short',
      width: 14,
      queries: [
        {
          expr: `sort_desc(${inRange(`autoheal_rule_remediations_total{${OURS}}`, 'rule, outcome')} > 0)`,
          legend: '{{rule}} {{outcome}}',
        },
      ],
      below: 'blue',
      empty: 'no remediation ended',
    },
    {
      kind: 'bars',
      title: 'Alerts that fired, by rule',
      answers:
        'Which rules have work: alerts with the label `autoheal`, which names the rule that is meant to heal.',
      act: 'One rule much above the others: its cause needs a person. `autoheal audit --rule NAME --since 1d`.',
      unit: 'short',
      width: 10,
      queries: [
        {
          expr: 'sort_desc(count by (autoheal) (last_over_time(ALERTS{alertstate="firing", autoheal!=""}[$__range])))',
          legend: '{{autoheal}}',
        },
      ],
      below: 'blue',
      empty: 'no alert fired',
    },
  ],
};
