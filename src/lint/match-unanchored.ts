import type { Matcher } from '../core/rules/matcher.ts';
import { problemAt } from '../core/rules/yaml-source.ts';
import type { Lint } from './lint.ts';

/** A text that nobody writes an expression for; what fits it and the empty text fits all. */
const ANYTHING = '\u0001 any text \u0001';

/** A regular expression that also fits the empty text fits alerts that lack the label. */
export const matchUnanchored: Lint = {
  id: 'match-unanchored',
  severity: 'warning',
  check({ rules }) {
    return rules.flatMap(({ rule, source }) =>
      rule.matchers.flatMap((matcher, at) => {
        const found = findingOf(matcher);
        if (found === undefined) return [];
        return [problemAt(source, ['matchers', at], found.message, found.fix)];
      }),
    );
  },
};

function findingOf({
  label,
  op,
  value,
  test,
}: Matcher): { readonly message: string; readonly fix: string } | undefined {
  const [empty, other] = [test(''), test(ANYTHING)];
  if (op === '!~' && !empty && !other)
    return {
      message: `${label} never fits: !~"${value}" excludes every text`,
      fix: `write ${label}="" for alerts without the label`,
    };
  if (op !== '=~' || !empty || value === '') return undefined;
  const fix = `write ${label}=~".+" for any text but the empty one`;
  if (other)
    return { message: `${label}=~"${value}" fits every alert`, fix: `remove it, or ${fix}` };
  return {
    message: `${label}=~"${value}" also fits alerts without the label ${label}`,
    fix: `take out what fits the empty text, or add the matcher ${label}!=""`,
  };
}
