import { join } from 'node:path';
import type { AnyAction } from '../../src/action.ts';
import { ACTION_FAILURES } from '../../src/core/errors.ts';
import { loadActions } from '../../src/engine/registry.ts';
import { code, type Page, prose, table } from './markdown.ts';
import { keyTable, schemaOf } from './schema.ts';

/** Every action of the folder, with its parameters from its schema. */
export async function actionsPage(root: string): Promise<Page> {
  const actions = [...(await loadActions(join(root, 'actions'))).values()];
  const failures = Object.entries(ACTION_FAILURES).map(([word, { means, tried_again }]) => [
    code(word),
    prose(means),
    prose(tried_again),
  ]);
  return {
    name: 'actions',
    title: 'Reference: actions',
    about: 'every action with its parameters, and the words that actions fail with',
    body: [
      'What a step of a rule can do. [Actions](../actions.md) says of each what its targets are, what it needs, what its evidence',
      'is, and how to write a new one.',
      '',
      ...table(
        ['action', 'what it does'],
        actions.map(({ id, summary }) => [`[${code(id)}](#${id})`, prose(summary)]),
      ),
      '- **backend**: whose breaker counts its failures.',
      '- **lease**: whether a step may carry `lease`, because the action can undo.',
      '- **health**: whether a step may say `verify: { health: true }`.',
      '- **after a crash**: `begun again`, because it is safe to repeat; or `target asked`, whether it was done.',
      '- **in rule tests**: what a rehearsal without the real world knows of its targets.',
      '',
      ...actions.flatMap(sectionOf),
      '## Words of failures',
      '',
      'The same in the audit log (`reason`), in metrics and in notifications.',
      '',
      ...table(['word', 'meaning', 'tried again'], failures),
    ],
  };
}

function sectionOf(action: AnyAction): readonly string[] {
  const facts = [
    code(action.backend),
    yesNo(action.leasable),
    yesNo(action.verify !== undefined),
    action.safe_to_repeat ? 'begun again' : 'target asked',
    rehearsalOf(action),
  ];
  return [
    `## \`${action.id}\``,
    '',
    `${prose(action.summary)} [How, and what to know](../actions.md#${action.id}).`,
    '',
    ...table(['backend', 'lease', 'health', 'after a crash', 'in rule tests'], [facts]),
    ...keyTable(schemaOf(action.params)),
  ];
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

function rehearsalOf({ rehearse }: AnyAction): string {
  if (rehearse === undefined) return 'one target, named by its parameters';
  return rehearse === 'as_is' ? 'all: it runs itself' : 'its targets';
}
