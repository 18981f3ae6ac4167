import type { Command } from 'commander';
import { teach } from '../help.ts';
import type { TestOptions } from './test-run.ts';

export function registerTest(program: Command): void {
  const command = program
    .command('test')
    .description(
      'Play the tests of rules: the whole engine, on a clock and in a world of their own.',
    )
    .argument('[paths...]', 'test files, or folders of *.test.yaml (default: ./rules)')
    .option('--rules <folder>', 'the rules (default: the folder of each test file)')
    .option('--run <regex>', 'only tests whose name it matches')
    .option('--junit <file>', 'write the results as JUnit XML as well')
    .option('--json', 'for programs: {"passed", "failed", "files": [...]}');
  teach(command, {
    example: 'npx autoheal test rules',
    ends: '0: all passed; 1: a test failed, or a file is wrong; 2: wrong usage, or no test.',
    more: 'How to write tests: docs/rule-tests.md.',
  }).action(async (paths: readonly string[], options: TestOptions) => {
    const { runTests } = await import('./test-run.ts');
    await runTests(paths, options);
  });
}
