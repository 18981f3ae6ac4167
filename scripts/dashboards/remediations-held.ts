import { inRange, OURS, perMinute, type Row } from './board.ts';

/** What kept autoheal from acting, and what may be wrong with healing itself. */
export const HELD_BACK: Row = {
  title: 'Why nothing was done',
  height: 7,
  panels: [
    {
      kind: 'bars',
      title: 'What held it back, in the time shown',
      answers: 'Which guards made a remediation wait or ended it.',
      act: 'docs/guards.md has a line for each word. `autoheal explain --fingerprint F` for one alert.',
      unit: 'short',
      width: 8,
      queries: [
        {
          expr: `sort_desc(${inRange(`autoheal_guard_verdicts_total{${OURS}}`, 'guard, verdict')} > 0)`,
          legend: '{{guard}} {{verdict}}',
        },
      ],
      below: 'blue',
      empty: 'no guard held anything back',
    },
    {
      kind: 'lines',
      title: 'What alerts meant',
      answers: 'New, repeated, resolved, or taken by no rule (`unmapped`).',
      act: 'Many `unmapped`: `autoheal explain` says which matcher fails. `unusable`: the sender.',
      unit: 'suffix: / min',
      width: 8,
      queries: [
        { expr: perMinute(`autoheal_alerts_total{${OURS}}`, 'event'), legend: '{{event}}' },
      ],
    },
    {
      kind: 'stat',
      title: 'Harm suspected, in the time shown',
      answers: 'Whether healing itself breaks something.',
      act: 'Not 0: `autoheal audit --result suspected`. If in doubt, `autoheal pause --reason ...`.',
      unit: 'short',
      width: 4,
      queries: [
        {
          expr: inRange(`autoheal_harm_suspected_total{${OURS}}`, 'kind'),
          legend: '{{kind}}',
        },
      ],
      limits: [[1, 'red']],
    },
    {
      kind: 'stat',
      title: 'Rules',
      answers: 'How many rules are in force, and whether the last change of them was taken.',
      act: 'Not taken: the last good ones stay. `autoheal check` shows the place.',
      unit: 'none',
      width: 4,
      queries: [
        { expr: `max(autoheal_rules_loaded{${OURS}})`, legend: 'in force' },
        {
          expr: `1 - min(autoheal_rules_last_reload_successful{${OURS}})`,
          legend: 'changes not taken',
        },
      ],
      below: 'blue',
    },
  ],
};
