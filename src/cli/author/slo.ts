import type { Command } from 'commander';
import { teach } from '../help.ts';
import { DEFAULT_URL } from '../client.ts';

/** `autoheal slo`: objectives as data, the rules made of them, and how they stand (docs/slo.md). */
export function registerSlo(program: Command): void {
  const slo = program
    .command('slo')
    .description('Objectives: make rules of them, check them, see how they stand.');
  teach(
    slo
      .command('generate')
      .description('Write recording rules and burn rate alerts for Prometheus (2.42 and 3.x).')
      .option('--file <file...>', 'OpenSLO v1 files (default: prometheus/slos.yaml)')
      .option('--out <dir>', 'folder for the rules (default: prometheus/rules)')
      .action(
        async ({ file, out }: { readonly file?: readonly string[]; readonly out?: string }) => {
          const { generate, OWN_FILE } = await import('./slo-files.ts');
          await generate(file ?? [OWN_FILE], out);
        },
      ),
    {
      example: 'npx autoheal slo generate --file prometheus/slos/services.yaml',
      ends: '0: written; 1: a file has problems, nothing was written; 2: wrong usage.',
    },
  );
  teach(
    slo
      .command('check')
      .description(
        'Refuse objectives whose burn can never page, and what else would not do as it says.',
      )
      .argument('<files...>', 'OpenSLO v1 files')
      .option('--json', 'for programs: [{"file", "line", "col", "severity", "message", "fix"}]')
      .action(async (files: readonly string[], { json }: { readonly json?: true }) => {
        const { checkFiles } = await import('./slo-files.ts');
        await checkFiles(files, json === true);
      }),
    {
      example: 'npx autoheal slo check prometheus/slos.yaml prometheus/slos/*.yaml',
      ends: '0: no problems, maybe warnings; 1: problems; 2: wrong usage.',
    },
  );
  teach(
    slo
      .command('status')
      .description('Budget left, burn and time to exhaustion.')
      .option('--prometheus <url>', 'ask Prometheus: all SLOs, of autoheal and of other services')
      .option('--url <url>', `ask autoheal: its own (default: AUTOHEAL_URL, else ${DEFAULT_URL})`)
      .option('--token <token>', 'API token (default: the first of AUTOHEAL_API_TOKEN)')
      .option('--json', 'for programs: {"items": [...]}')
      .action(async (_options: unknown, command: Command) => {
        const { showStatus } = await import('./slo-status.ts');
        await showStatus(command);
      }),
    { example: 'npx autoheal slo status --prometheus http://127.0.0.1:9090' },
  );
}
