import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { teach } from '../help.ts';

export function registerDoctor(program: Command): void {
  const doctor = program
    .command('doctor')
    .description('Say whether this installation can work, and what to do where it cannot.')
    .option('--json', 'for programs: {"status", "findings": [{"check", "status", "what", "fix"}]}');
  teach(doctor, {
    example: 'npx autoheal doctor',
    ends: '0: nothing failed; 1: something did; 2: the configuration does not read.',
    more: 'Reads the environment that serve reads, and changes nothing.',
  }).action(async ({ json }: { readonly json?: true }) => {
    // Loaded by those who run it: it knows every part of an installation.
    const { examine } = await import('../../doctor/examine.ts');
    const { tableOf } = await import('../../doctor/table.ts');
    const { status, findings, exit_code } = await examine(process.env, (path) =>
      readFileSync(path, 'utf8'),
    );
    const colours = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
    const text =
      json === true
        ? `${JSON.stringify({ status, findings }, null, 2)}\n`
        : tableOf(findings, colours);
    process.stdout.write(text);
    process.exitCode = exit_code;
  });
}
