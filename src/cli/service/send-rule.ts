import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../adapters/clock.ts';
import { createRuleFiles } from '../../adapters/rule-files.ts';
import { fingerprintOf } from '../../core/alerts/fingerprint.ts';
import type { Labels } from '../../core/json.ts';
import type { Rule } from '../../core/rules/rule.ts';
import { didYouMean } from '../../core/suggest.ts';
import { catalogueFor, compileAll } from '../../engine/compile.ts';
import { loadActions } from '../../engine/registry.ts';
import { oneLine } from '../plain.ts';
import { bodyOf, labelsFor, whyNot } from './send-alert.ts';
import { fail, misuse, reasonOf } from '../client.ts';

const ACTIONS = fileURLToPath(new URL('../../../actions/', import.meta.url));
const DRILL = { drill: 'true' };

interface Given {
  readonly rule: string;
  readonly rules?: string;
  readonly label?: readonly string[];
  readonly annotation?: readonly string[];
  readonly drill?: true;
  readonly resolved?: true;
}

/**
 * The body of a test alert that this rule would take, by the code that will take it. Ends the process with 1
 * when the rules do not compile or another rule would take it, with 2 when a value has to be given.
 */
export async function builtFrom(given: Given): Promise<{
  readonly body: string;
  readonly hint: string;
}> {
  const rules = await rulesIn(given.rules ?? setting('AUTOHEAL_RULES') ?? 'rules');
  const names = rules.map(({ name }) => name);
  const rule =
    rules.find(({ name }) => name === given.rule) ??
    misuse('send', `there is no rule ${given.rule}: ${didYouMean(given.rule, names)}`);
  const drill = given.drill === true ? DRILL : {};
  const built = labelsFor(rule, { ...pairs('label', given.label), ...drill });
  if (!built.ok) misuse('send', built.message);
  const why = whyNot(rule, rules, built.labels);
  if (why !== undefined) fail('send', `${rule.name} would not take this alert: ${why}`);
  tellMadeUp(built.made_up, built.labels);
  const annotations = {
    summary: `Test alert for the rule ${rule.name}, made by autoheal send`,
    ...pairs('annotation', given.annotation),
  };
  const resolved = given.resolved === true;
  const alert = { labels: built.labels, annotations, resolved, now: systemClock.now() };
  const fingerprint = fingerprintOf(built.labels);
  return {
    body: `${JSON.stringify(bodyOf(alert), null, 2)}\n`,
    hint: `why, or why not: npx autoheal explain --fingerprint ${fingerprint}\n`,
  };
}

/** Nothing real has such a value: an action that looks for it finds nothing. */
function tellMadeUp(made_up: readonly string[], labels: Labels): void {
  for (const name of made_up)
    process.stderr.write(
      `${oneLine(`${name} is made up: ${JSON.stringify(labels[name])}; give a real one with --label ${name}=...`)}\n`,
    );
}

async function rulesIn(folder: string): Promise<readonly Rule[]> {
  const policy = setting('AUTOHEAL_CONFIG') ?? 'autoheal.yaml';
  const files = createRuleFiles({
    rules_dir: folder,
    policy_file: existsSync(policy) ? policy : undefined,
  });
  const actions = await loadActions(ACTIONS);
  const compiled = await compileAll({
    files,
    catalogueOf: catalogueFor(actions),
    clock: systemClock,
  }).catch((error: unknown) => misuse('send', `--rules: ${reasonOf(error)}`));
  if (compiled.ok) return compiled.set.rules;
  return fail(
    'send',
    `the rules do not compile; npx autoheal check says so too\n${compiled.rendered}`,
  );
}

function pairs(option: string, texts: readonly string[] = []): Labels {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) misuse('send', `--${option}: ${text} is no pair: write --${option} name=value`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

function setting(name: string): string | undefined {
  const value = process.env[name] ?? '';
  return value === '' ? undefined : value;
}
