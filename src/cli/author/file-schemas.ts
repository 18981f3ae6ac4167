import { z } from 'zod';
import { PolicyFile } from '../../core/rules/policy-compile.ts';
import { RuleFile } from '../../core/rules/rule-schema.ts';
import { TestFile } from '../../rehearsal/test-schema.ts';

const FILES = {
  rule: { title: 'A rule of autoheal: rules/<name>.yaml', schema: RuleFile },
  policy: { title: 'The policy of autoheal: autoheal.yaml', schema: PolicyFile },
  test: { title: 'Tests of a rule of autoheal: rules/<name>.test.yaml', schema: TestFile },
};
export type SchemaName = keyof typeof FILES;
/** Files that people write and that have a schema in schemas/. */
export const SCHEMA_NAMES = Object.keys(FILES) as readonly SchemaName[];

/**
 * The JSON Schema of a file that people write, as text. It knows keys, types and forms; what depends on other
 * places (actions, names of the policy, templates, matchers) is known to `autoheal check` only.
 */
export function schemaText(file: SchemaName): string {
  const { title, schema } = FILES[file];
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`;
}
