import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../adapters/clock.ts';
import { catalogueFor, compileAll } from '../../engine/compile.ts';
import { loadActions } from '../../engine/registry.ts';
import { print } from '../ask/api-command.ts';
import { filesFor } from './init-files.ts';
import { ruleNameFor, sendOptionsFor, type Wanted } from './init-rule.ts';
import type { InitOptions } from './init.ts';
import { oneLine } from '../plain.ts';
import { fail, misuse, reasonOf } from '../client.ts';

const ACTIONS = fileURLToPath(new URL('../../../actions/', import.meta.url));

interface Kept {
  readonly path: string;
  readonly why: string;
}

/** `autoheal init`: writes what is not there yet, and says what to do next. */
export async function initialise(folder: string, options: InitOptions): Promise<void> {
  const wanted: Wanted = { ...options, runbook: options.runbook };
  const files = filesFor(wanted);
  await mustCompile(files.policy.text, files.rule);
  const written: string[] = [];
  const kept: Kept[] = [];
  for (const { path, text } of Object.values(files)) {
    const why = await whyKept(join(folder, path), text);
    if (why === undefined) written.push(path);
    else kept.push({ path, why });
  }
  const rule = ruleNameFor(wanted.alertname);
  const next = written.length > 0 ? nextSteps(folder, rule, wanted) : [];
  if (options.json === true)
    print(`${JSON.stringify({ folder, rule, written, kept, next }, null, 2)}\n`);
  else print(reportOf(folder, written, kept, next));
  if (written.length > 0) return;
  fail('init', `nothing was written to ${folder}; give another folder, or another --alertname`);
}

/** By the code that loads rules: a file that the service would refuse is not written. */
async function mustCompile(
  policy: string,
  rule: { readonly path: string; readonly text: string },
): Promise<void> {
  const compiled = await compileAll({
    files: {
      read: () =>
        Promise.resolve({
          rules: [{ file: rule.path, text: rule.text, hash: '' }],
          policy: { file: 'autoheal.yaml', text: policy, hash: '' },
        }),
    },
    catalogueOf: catalogueFor(await loadActions(ACTIONS)),
    clock: systemClock,
  });
  if (!compiled.ok) misuse('init', `that makes no rule that loads:\n${compiled.rendered}`);
}

/** Never over what is there, not even through a link; undefined: it is written. */
async function whyKept(path: string, text: string): Promise<string | undefined> {
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    return `its folder cannot be made (${reasonOf(error)})`;
  }
  try {
    await writeFile(path, text, { flag: 'wx' });
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EEXIST' ? 'it is there already' : `cannot be written (${reasonOf(error)})`;
  }
}

function nextSteps(folder: string, rule: string, { action }: Wanted): readonly string[] {
  const steps = [
    'npx autoheal check --alertmanager alertmanager-snippet.yml',
    'npx autoheal test',
    'AUTOHEAL_MODE=dry-run npx autoheal serve',
    `npx autoheal send --rule ${rule}${sendOptionsFor(action)}`,
  ];
  if (folder === '.') return steps;
  const plain = /^[\w./-]+$/.test(folder);
  return [`cd ${plain ? folder : `'${folder.replaceAll("'", String.raw`'\''`)}'`}`, ...steps];
}

function reportOf(
  folder: string,
  written: readonly string[],
  kept: readonly Kept[],
  next: readonly string[],
): string {
  return [
    ...written.map((path) => `written: ${at(path)}`),
    ...kept.map(({ path, why }) => `left alone: ${at(path)}: ${why}`),
    ...(next.length > 0 ? ['', 'Next (serve runs on; send from a second terminal):'] : []),
    ...next.map((step) => `  ${oneLine(step)}`),
    '',
  ].join('\n');

  function at(path: string): string {
    return oneLine(join(folder, path));
  }
}
