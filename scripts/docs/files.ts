import { PolicyFile } from '../../src/core/rules/policy-compile.ts';
import { RuleFile } from '../../src/core/rules/rule-schema.ts';
import type { Page } from './markdown.ts';
import { schemaOf, sections } from './schema.ts';

/** Every key of a rule, from its schema. */
export function rulesPage(): Page {
  return {
    name: 'rules',
    title: 'Reference: a rule',
    about: 'every key of a rule: what it takes, its default, what it means',
    body: [
      'One file in `rules/`, YAML. [Rules](../rules.md) says how to write one: how a rule is chosen, matchers, templates,',
      'verification. An editor knows the same by `schemas/rule.schema.json`.',
      '',
      ...sections(schemaOf(RuleFile)),
    ],
  };
}

/** Every key of the policy, from its schema. */
export function policyPage(): Page {
  return {
    name: 'policy',
    title: 'Reference: the policy',
    about: 'every key of `autoheal.yaml`',
    body: [
      'The file `autoheal.yaml`. [The policy](../policy.md) says what its sections are for, with examples. An editor knows',
      'the same by `schemas/policy.schema.json`.',
      '',
      ...sections(schemaOf(PolicyFile)),
    ],
  };
}
