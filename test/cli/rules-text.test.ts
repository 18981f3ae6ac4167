import { expect, test } from 'vitest';
import { benefitOf } from '../../src/core/benefit/benefit.ts';
import type { Treatment } from '../../src/core/benefit/treatment.ts';
import { benefitView } from '../../src/http/benefit-views.ts';
import { type Rule, ruleText, rulesText } from '../../src/cli/ask/rules-text.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const BEGAN = NOW - 86_400_000;
const MINUTE = 60_000;

function firings(count: number, over: Partial<Treatment>): readonly Treatment[] {
  return Array.from({ length: count }, (_, n) => ({
    n,
    episode_id: `${JSON.stringify(over)}-${n}`,
    created_at: BEGAN,
    held_out_until: null,
    outcome: 'escalated' as const,
    by_hand: false,
    drill: false,
    closed_at: null,
    acted_at: null,
    critical: false,
    chaos: false,
    others_acted_at: null,
    ...over,
  }));
}

/** As the API answers it. */
function rule(rows: readonly Treatment[], over: Partial<Rule> = {}): Rule {
  const benefit = benefitOf(rows, {
    since: NOW - 30 * 86_400_000,
    now: NOW,
    complete_since: NOW - 30 * 86_400_000,
    horizon_ms: 5 * MINUTE,
    draws: true,
  });
  return {
    name: 'endpoint-down',
    summary: 'Restarts it.',
    runbook: null,
    enabled: true,
    mode: 'auto',
    matchers: ['alertname="Down"', 'container=~".+"'],
    steps: [{ action: 'restart_container' }, { action: 'notify' }],
    holdout: { share_pct: 5, for_ms: 5 * MINUTE },
    file: 'rules/endpoint-down.yaml',
    benefit: JSON.parse(JSON.stringify(benefitView(benefit))) as Rule['benefit'],
    ...over,
  };
}

const SOON = { closed_at: BEGAN + MINUTE };
const HELPS = rule([
  ...firings(40, { acted_at: BEGAN + 1_000, outcome: 'healed', ...SOON }),
  ...firings(10, { held_out_until: BEGAN + 5 * MINUTE, acted_at: BEGAN + 5 * MINUTE }),
  ...firings(2, { others_acted_at: BEGAN + 1 }),
  ...firings(1, { by_hand: true }),
]);

test('one rule: its word, both groups with intervals, the draw and what was left out', () => {
  expect(ruleText(HELPS)).toBe(`Rule endpoint-down: Restarts it.
is:          auto, rules/endpoint-down.yaml
for:         alertname="Down" container=~".+"
steps:       restart_container, then notify
hold-out:    5% for 5m
benefit:     helps: 100% of 40 recovered within 5m with it, 0% of 10 without it (drawn by chance); 100 points, 71 to 100
watched:     5m from the moment it is chosen; since 2026-01-30T12:00:00.000Z
acted on:    40, its own verification healed 40
             recovered 40 of 40, 100% (91% to 100%); median 1m (1m to -); 90% after 1m (1m to -)
left alone:  0 in dry-run, 10 by the hold-out, 0 refused or waiting
             recovered 0 of 10, 0% (0% to 28%); median - (- to -); 90% after - (- to -)
difference:  100 points (71 to 100)
by chance:   not drawn: recovered 40 of 40, 100% (91% to 100%); drawn: 0 of 10, 0% (0% to 28%); 100 points (71 to 100)
left out:    2 that another rule acted on, 1 by hand or failed on purpose
`);
});

test('all rules: what they did, the word, and whether they are in force', () => {
  const off = rule([], { name: 'off', enabled: false, matchers: ['alertname="Off"'] });
  expect(rulesText({ items: [HELPS, off] }, false)).toBe(
    `RULE           RUNS  HEALED  LEFT ALONE  BENEFIT          IS        MATCHERS
endpoint-down  40    40      10          helps            auto      alertname="Down" container=~".+"
off            0     0       0           no evidence yet  disabled  alertname="Off"
`,
  );
  expect(rulesText({ items: [] }, false)).toBe('No rule is in force.\n');
});
