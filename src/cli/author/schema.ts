import type { Command } from 'commander';
import type { SchemaName } from './file-schemas.ts';
import { teach } from '../help.ts';

export function registerSchema(program: Command): void {
  const schema = program
    .command('schema')
    .description('Print the JSON Schema of a rule, the policy or a file of tests, for editors.')
    .addArgument(
      program
        .createArgument('[file]', 'which file')
        .choices(['rule', 'policy', 'test'])
        .default('rule'),
    )
    .option('--json', 'taken as elsewhere: what it prints is JSON anyway');
  teach(schema, {
    example: 'npx autoheal schema rule > rule.schema.json',
    ends: '0: done; 2: wrong usage.',
  }).action(async (file: SchemaName) => {
    const { schemaText } = await import('./file-schemas.ts');
    process.stdout.write(schemaText(file));
  });
}
