import { OUTCOMES } from '../core/healing/remediation.ts';
import type { Metrics } from '../ports.ts';
import { counter, gauge } from './metrics-series.ts';
import type { Registry } from './prom-client.ts';

/** The rules in force, and how remediations ended: of all, and of each rule. */
export function ruleMetrics(registry: Registry): Pick<Metrics, 'remediationDone' | 'rulesReload'> {
  const reload_ok = gauge(
    registry,
    'autoheal_rules_last_reload_successful',
    '1 when the last load of rules and policy was good; at 0 the set before stays in force',
  );
  const reload_at = gauge(
    registry,
    'autoheal_rules_last_reload_timestamp_seconds',
    'When the last good load of rules and policy was; 0: never',
  );
  const loaded = gauge(registry, 'autoheal_rules_loaded', 'Rules in force, disabled ones too');
  const outcomes = counter(
    registry,
    'autoheal_remediation_outcomes_total',
    'Remediations that ended, by how',
    { outcome: OUTCOMES },
  );
  const by_rule = counter(
    registry,
    'autoheal_rule_remediations_total',
    'Remediations that ended, by rule and how. A rule that is loaded stands at 0; one that was removed keeps its series until the restart',
    { rule: [], outcome: [] },
  );
  return {
    remediationDone(outcome, rule) {
      outcomes.inc({ outcome });
      by_rule.inc({ rule, outcome });
    },
    rulesReload(ok, at, rules, names = []) {
      reload_ok.set(ok ? 1 : 0);
      loaded.set(rules);
      if (ok) reload_at.set(at / 1_000);
      for (const rule of names) for (const outcome of OUTCOMES) by_rule.inc({ rule, outcome }, 0);
    },
  };
}
