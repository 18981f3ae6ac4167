import { type Board, inRange, OURS, perMinute, quantile } from './board.ts';
import { FUNNEL } from './remediations-funnel.ts';
import { HELD_BACK } from './remediations-held.ts';

const STEPS = 'autoheal_remediations_total';

export const REMEDIATIONS: Board = {
  uid: 'autoheal-remediations',
  title: 'autoheal: remediations',
  summary:
    'What came in, what was done about it, whether it helped, and why nothing was done where nothing was.',
  shows: '6h',
  rows: [
    FUNNEL,
    {
      title: 'Now',
      height: 5,
      panels: [
        {
          kind: 'stat',
          title: 'Under way',
          answers: 'How many remediations are in each state at this moment.',
          act: 'Many `waiting`: "What held it back". Many `escalating`: the notifier does not answer.',
          unit: 'none',
          width: 7,
          queries: [
            {
              expr: `sum by (state) (autoheal_remediations{${OURS}, state!="done"})`,
              legend: '{{state}}',
            },
          ],
          below: 'blue',
        },
        {
          kind: 'stat',
          title: 'Oldest under way',
          answers: 'Whether one is stuck.',
          act: 'Hours: `autoheal remediations`, and its reason. `autoheal cancel` ends it.',
          unit: 's',
          width: 3,
          queries: [
            {
              expr: `(time() - min(autoheal_remediation_oldest_timestamp_seconds{${OURS}} > 0)) or vector(0)`,
              legend: 'age',
            },
          ],
          limits: [[3_600, 'orange']],
        },
        {
          kind: 'stat',
          title: 'Wait for a yes',
          answers: 'How many plans wait for a person.',
          act: '`autoheal approvals`, then approve or deny.',
          unit: 'none',
          width: 3,
          queries: [{ expr: `max(autoheal_approvals_waiting{${OURS}})`, legend: 'plans' }],
          limits: [[1, 'orange']],
        },
        {
          kind: 'stat',
          title: 'Kept from healing',
          answers: 'What people hold, and what autoheal put in quarantine itself.',
          act: 'A quarantine: the rule does not help that target. Mend the rule, then lift it: `autoheal holds`.',
          unit: 'none',
          width: 5,
          queries: [{ expr: `max by (kind) (autoheal_holds{${OURS}})`, legend: '{{kind}}' }],
          limits: [[1, 'orange']],
        },
        {
          kind: 'stat',
          title: 'Changes that stand',
          answers: 'How many temporary changes will still be undone.',
          act: 'Rising for days: reverts fail, or alerts never resolve. See "Changes undone".',
          unit: 'none',
          width: 3,
          queries: [{ expr: `max(autoheal_leases{${OURS}})`, legend: 'leases' }],
          below: 'blue',
        },
        {
          kind: 'stat',
          title: 'Own budget',
          answers: "Whether autoheal's own steps fail so often that it should ask first.",
          act: 'Spent: with `budget.enforce` every plan waits for a yes. docs/guards.md.',
          unit: 'none',
          width: 3,
          queries: [{ expr: `max(autoheal_error_budget_spent{${OURS}})`, legend: 'budget' }],
          limits: [[1, 'orange']],
          words: { '0': ['left', 'green'], '1': ['spent', 'orange'] },
        },
      ],
    },
    {
      title: 'What was done',
      height: 7,
      panels: [
        {
          kind: 'lines',
          title: 'Steps',
          answers: 'How often something is done, and how it ends.',
          act: '`failure` rising: which action? The panel beside it.',
          unit: 'suffix: / min',
          width: 8,
          queries: [{ expr: perMinute(`${STEPS}{${OURS}}`, 'outcome'), legend: '{{outcome}}' }],
        },
        {
          kind: 'bars',
          title: 'By action, in the time shown',
          answers: 'Which action does the work, and which fails.',
          act: 'One action fails: its backend. `autoheal doctor` asks each.',
          unit: 'short',
          width: 8,
          queries: [
            {
              expr: `sort_desc(${inRange(`${STEPS}{${OURS}}`, 'action, outcome')} > 0)`,
              legend: '{{action}} {{outcome}}',
            },
          ],
          below: 'blue',
          empty: 'nothing was done',
        },
        {
          kind: 'lines',
          title: 'Attempts',
          answers: 'How often an action had to be tried again: attempts beside steps.',
          act: '`error` without failed steps: retries hide a weak backend.',
          unit: 'suffix: / min',
          width: 8,
          queries: [
            {
              expr: perMinute(`autoheal_action_attempts_total{${OURS}}`, 'result'),
              legend: '{{result}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'How long backends take (95 %)',
          answers: 'Which backend is slow: Docker, Kubernetes, Prometheus, a notifier.',
          act: 'Slow: actions run into their deadline next.',
          unit: 's',
          width: 8,
          queries: [
            {
              expr: quantile(0.95, 'autoheal_backend_call_seconds', OURS, 'backend'),
              legend: '{{backend}}',
            },
          ],
          empty: 'no backend was called',
        },
        {
          kind: 'lines',
          title: 'Open breakers',
          answers: 'Which backend failed three times and is left alone for 30 s. 1 is open.',
          act: 'Open for long: AutohealBreakerOpen in docs/runbooks/autoheal-service.md.',
          unit: 'none',
          width: 8,
          queries: [
            {
              expr: `max by (backend) (autoheal_breaker_state{${OURS}, state="open"})`,
              legend: '{{backend}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Changes undone',
          answers: 'Whether what is temporary goes again.',
          act: '`error`: AutohealRevertFailed in docs/runbooks/autoheal-service.md. `left_alone`: somebody changed the target meanwhile.',
          unit: 'suffix: / min',
          width: 8,
          queries: [
            { expr: perMinute(`autoheal_reverts_total{${OURS}}`, 'result'), legend: '{{result}}' },
          ],
        },
      ],
    },
    HELD_BACK,
  ],
};
