import { GUARD_TEXTS } from '../../src/core/healing/guard-words.ts';
import { EARLY_GUARDS, PLAN_GUARDS } from '../../src/core/healing/guards.ts';
import { code, type Page, prose, table } from './markdown.ts';

/** Every guard's word in the order they run, with its meaning. */
export function guardsPage(): Page {
  return {
    name: 'guards',
    title: 'Reference: guards',
    about: 'every word that a guard waits, asks or refuses with, and what to do about it',
    body: [
      'A guard is a check before acting; its word is the same in the log, the audit log (`reason`), the metric',
      '`autoheal_guard_verdicts_total{guard}` and the API. They run in this order. [Guards](../guards.md) says what a wait, a',
      'question and a refusal are, and what counts.',
      '',
      '## Before the plan is made',
      '',
      ...guardTable(EARLY_GUARDS),
      '## On the plan',
      '',
      ...guardTable(PLAN_GUARDS),
    ],
  };
}

function guardTable(guards: typeof EARLY_GUARDS | typeof PLAN_GUARDS): readonly string[] {
  const rows = guards.map(({ word }) => {
    const { verdicts, means, lifts, advice } = GUARD_TEXTS[word];
    return [code(word), verdicts.join(', or '), prose(means), prose(lifts), prose(advice)];
  });
  return table(['word', 'verdict', 'it means', 'it lifts when', 'what you can do'], rows);
}
