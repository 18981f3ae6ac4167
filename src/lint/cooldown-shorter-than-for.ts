import { formatDuration, parseDuration } from '../core/duration.ts';
import { problemAt } from '../core/rules/yaml-source.ts';
import type { Lint } from './lint.ts';
import { mayGet } from './reach.ts';
import type { Alert } from './prometheus.ts';

/** The alert cannot tell yet whether the last run helped, and the rule may run again. */
export const cooldownShorterThanFor: Lint = {
  id: 'cooldown-shorter-than-for',
  severity: 'warning',
  check({ rules, alerts }) {
    if (alerts === undefined) return [];
    return rules.flatMap(({ rule, source }) => {
      const got = alerts.filter((alert) => mayGet(rule, alert.labels));
      const [slowest] = got.toSorted((a, b) => memoryOf(b) - memoryOf(a));
      if (slowest === undefined || rule.guard.cooldown_ms >= memoryOf(slowest)) return [];
      const wanted = formatDuration(memoryOf(slowest));
      const message = `the cooldown of ${formatDuration(rule.guard.cooldown_ms)} is shorter than ${slowest.name} takes to show what a run did: ${wanted} (its for and the longest window of its expression)`;
      return [
        problemAt(source, ['guard', 'cooldown'], message, `write guard: { cooldown: ${wanted} }`),
      ];
    });
  },
};

/** How long the past stays in the alert: its `for` and the longest window of its expression. */
function memoryOf({ for_ms, expr }: Alert): number {
  const code = expr.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|#.*/g, '');
  const windows = [...code.matchAll(/\[\s*(\w+)\s*(?::[^\]]*)?\]/g)];
  return for_ms + Math.max(0, ...windows.map(([, text = '']) => parseDuration(text) ?? 0));
}
