import { z } from 'zod';
import { PolicyFile } from '../core/rules/policy-compile.ts';
import { RuleFile } from '../core/rules/rule-schema.ts';

const FILES = {
  rule: { title: 'A rule of autoheal: rules/<name>.yaml', schema: RuleFile },
  policy: { title: 'The policy of autoheal: autoheal.yaml', schema: PolicyFile },
};

/**
 * The JSON Schema of a file that people write, as text. It knows keys, types and forms; what depends on other
 * places (actions, names of the policy, templates, matchers) is known to `autoheal check` only.
 */
export function schemaText(file: 'rule' | 'policy'): string {
  const { title, schema } = FILES[file];
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`;
}
