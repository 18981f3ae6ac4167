import type { Command } from 'commander';

export function registerSchema(program: Command): void {
  program
    .command('schema')
    .description('Print the JSON Schema of a rule or the policy, for editors.')
    .addArgument(
      program.createArgument('[file]', 'which file').choices(['rule', 'policy']).default('rule'),
    )
    .action(async (file: 'rule' | 'policy') => {
      const { schemaText } = await import('./file-schemas.ts');
      process.stdout.write(schemaText(file));
    });
}
