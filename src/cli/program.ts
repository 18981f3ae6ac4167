import { Command } from 'commander';
import { registerApi } from './ask/api.ts';
import { registerBacktest } from './author/backtest.ts';
import { registerCheck } from './author/check.ts';
import { registerCompletion } from './completion.ts';
import { registerConfig } from './service/config.ts';
import { registerDoctor } from './service/doctor.ts';
import { registerExplain } from './ask/explain.ts';
import { group } from './help.ts';
import { registerInit } from './author/init.ts';
import { registerSchema } from './author/schema.ts';
import { registerSend } from './service/send.ts';
import { registerServe } from './service/serve.ts';
import { registerSilence } from './ask/silence.ts';
import { registerSlo } from './author/slo.ts';
import { WRONG_USAGE } from './client.ts';
import { registerTest } from './author/test.ts';

/** Every command. Each loads what it needs when it runs. docs/reference/cli.md is made from this tree. */
export function createProgram(version: string): Command {
  const program = new Command('autoheal')
    .description('Heals what Alertmanager alerts are about, and proves it.')
    .version(version)
    .showHelpAfterError('(--help shows the commands, the options of one, and an example)')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : WRONG_USAGE));
  registerServe(program, version);
  registerInit(program);
  registerSend(program);
  registerConfig(program);
  registerCheck(program);
  registerSchema(program);
  registerTest(program);
  registerBacktest(program);
  registerDoctor(program);
  registerExplain(program);
  registerApi(program);
  registerSilence(program);
  registerSlo(program);
  registerCompletion(program);
  // Of what comes after: the command `help`.
  program.commandsGroup('The service:').helpCommand('help [command]', 'The help of a command.');
  group(program);
  return program;
}
