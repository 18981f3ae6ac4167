import { fileURLToPath } from 'node:url';
import { messageOf } from '../adapters/net-errors.ts';
import { type Env, loadConfig, type ReadFile } from '../config.ts';
import { loadActions } from '../engine/registry.ts';
import { checkAlertmanager } from './alertmanager.ts';
import { brokenConfiguration, checkConfiguration } from './configuration.ts';
import { checkDatabase } from './database.ts';
import { checkDatabases } from './databases.ts';
import { checkDocker } from './docker.ts';
import { type Finding, notebook, worstOf } from './finding.ts';
import { checkFlagsFile } from './flags-file.ts';
import type { Check, Installation } from './installation.ts';
import { checkKubernetes } from './kubernetes.ts';
import { checkLooks } from './looks.ts';
import { needsOf } from './needs.ts';
import { checkPrometheus } from './prometheus.ts';
import { checkRules } from './rules.ts';

const ACTIONS = fileURLToPath(new URL('../../actions/', import.meta.url));

export interface Report {
  readonly status: 'ok' | 'warn' | 'fail';
  readonly findings: readonly Finding[];
  /** 0: nothing failed; 1: something did; 2: the configuration does not read. */
  readonly exit_code: 0 | 1 | 2;
}

/** In the order in which they are shown; they run side by side. */
const CHECKS: readonly (readonly [name: string, check: Check])[] = [
  ['database', checkDatabase],
  ['flags', checkFlagsFile],
  ['docker', checkDocker],
  ['kubernetes', checkKubernetes],
  ['prometheus', checkPrometheus],
  ['alertmanager', checkAlertmanager],
  ['databases', checkDatabases],
  ['verify', checkLooks],
];

/** Can this installation work? Looks and asks only; nothing is changed. */
export async function examine(env: Env, readFile: ReadFile): Promise<Report> {
  const read = loadConfig(env, readFile);
  if (!read.ok)
    return { status: 'fail', findings: brokenConfiguration(read.problems), exit_code: 2 };
  const { config, notices } = read;
  const actions = await loadActions(ACTIONS);
  const rules = await checkRules(config, actions);
  const installation: Installation = {
    env,
    config,
    rules: rules.set,
    needs: needsOf(rules.set?.rules ?? [], actions),
    shipped_rules: (env['AUTOHEAL_RULES'] ?? '') === '',
  };
  const found = await Promise.all(CHECKS.map(([name, check]) => run(name, check, installation)));
  const findings = [...checkConfiguration(config, notices), ...rules.findings, ...found.flat()];
  const status = worstOf(findings);
  return { status, findings, exit_code: status === 'fail' ? 1 : 0 };
}

/** A check that breaks is a finding too: the others still have their say. */
async function run(
  name: string,
  check: Check,
  installation: Installation,
): Promise<readonly Finding[]> {
  try {
    return await check(installation);
  } catch (error) {
    const note = notebook(name);
    note.fail(`this could not be checked: ${messageOf(error)}`, 'correct what it names');
    return note.findings();
  }
}
