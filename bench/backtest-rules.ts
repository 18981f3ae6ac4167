import { createHash } from 'node:crypto';
import type { RuleText } from '../src/core/rules/rule-compile.ts';

export const MAPPED = Array.from({ length: 20 }, (_, n) => `Mapped${n}`);

/** Twenty rules as people write them: restarts, flags, a ladder; most verify by the resolve, some by a query. */
export function benchRules(cooldown: string): readonly RuleText[] {
  return MAPPED.map((alertname, n) => {
    const text = `name: ${alertname.toLowerCase()}
summary: Restart what does not answer.
matchers: ['alertname="${alertname}"', 'severity=~"page|ticket"', 'container=~".+"', 'job=~".+"']
steps:
  - action: restart_container
    with: { container: '{{ labels.container }}' }
    verify: ${n % 5 === 0 ? `{ within: 5m, promql: 'up{job="{{ labels.job }}"} == 1', for: 30s }` : '{ within: 10m, resolved: true }'}
${n % 4 === 0 ? `  - action: restart_container\n    with: { container: '{{ labels.container }}' }\n` : ''}guard: { cooldown: ${cooldown}, limit: ['3/1h', '10/1d'], max_age: 15m }
`;
    return {
      file: `rules/${alertname.toLowerCase()}.yaml`,
      text,
      hash: createHash('sha256').update(text).digest('hex'),
    };
  });
}
