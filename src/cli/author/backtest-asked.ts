import { existsSync } from 'node:fs';
import { systemClock } from '../../adapters/clock.ts';
import { createRuleFiles, readText } from '../../adapters/rule-files.ts';
import { parseDuration } from '../../core/duration.ts';
import { renderProblems } from '../../core/rules/diagnostic.ts';
import type { RuleSet } from '../../core/rules/rule.ts';
import { parseYaml } from '../../core/rules/yaml-parse.ts';
import { zodProblems } from '../../core/rules/zod-problems.ts';
import { catalogueFor, compileAll, type RuleTexts } from '../../engine/compile.ts';
import { World } from '../../rehearsal/test-schema.ts';
import { worldSpecOf } from '../../rehearsal/test-world.ts';
import type { WorldSpec } from '../../rehearsal/world-spec.ts';
import type { SourceOptions } from './backtest-sources.ts';
import { rehearsalParts } from './rehearsal-parts.ts';
import { fail, misuse, reasonOf } from '../client.ts';

export interface BacktestOptions extends SourceOptions {
  readonly rules?: string;
  readonly config?: string;
  readonly against?: string;
  readonly againstConfig?: string;
  readonly since?: string;
  readonly until?: string;
  readonly world?: string;
  readonly mode: 'auto' | 'approve' | 'dry-run';
  readonly limit: number;
  readonly json?: true;
  readonly failOn?: 'more-actions';
}
/** Ms since the epoch: inclusive, exclusive. */
export interface Range {
  readonly since: number;
  readonly until: number;
}
export interface PlayedSet {
  readonly folder: string;
  readonly texts: RuleTexts;
  readonly set: RuleSet;
}
/** What the options mean: everything is read and compiled. */
export interface Asked {
  readonly range: Range;
  readonly candidate: PlayedSet;
  /** Null: it is compared with nothing. */
  readonly against: PlayedSet | null;
  readonly world: WorldSpec;
}

const NAME = 'backtest';
/** What a service keeps of deliveries, unless its policy says otherwise. */
const SINCE_MS = 30 * 86_400_000;

/** Ends the process with 2 where something is not there, with 1 where it does not compile. */
export async function askedFor(options: BacktestOptions): Promise<Asked> {
  const range = rangeOf(options, Date.now());
  const world = await worldOf(options.world);
  const { actions } = await rehearsalParts();
  const config = options.config ?? currentPolicy();
  const { against = 'current', againstConfig = config } = options;
  const folder = against === 'current' ? currentRules() : against;
  const candidate = await setOf(options.rules ?? currentRules(), config, actions);
  const other = against === 'none' ? null : await setOf(folder, againstConfig, actions);
  return { range, candidate, against: other, world };
}

/** A file is taken whole unless it is said otherwise; of everything else the last 30 days. */
function rangeOf({ since, until, from }: BacktestOptions, now: number): Range {
  const begins = from === undefined ? now - SINCE_MS : 0;
  return {
    since: since === undefined ? begins : timeOf('since', since, now),
    until:
      until === undefined
        ? Math.max(now, from === undefined ? 0 : Number.MAX_SAFE_INTEGER)
        : timeOf('until', until, now),
  };
}

function timeOf(option: string, text: string, now: number): number {
  const ago_ms = parseDuration(text);
  if (ago_ms !== undefined) return now - ago_ms;
  const at = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  return misuse(
    NAME,
    `--${option}: ${text} is no time; write 2026-03-01T09:00:00Z, or 30d for "30 days ago"`,
  );
}

function currentRules(): string {
  return envOf('AUTOHEAL_RULES') ?? 'rules';
}

function currentPolicy(): string | undefined {
  return envOf('AUTOHEAL_CONFIG') ?? (existsSync('autoheal.yaml') ? 'autoheal.yaml' : undefined);
}

function envOf(name: string): string | undefined {
  const value = process.env[name] ?? '';
  return value === '' ? undefined : value;
}

/** Compiled as serve would. Ends the process with 2 when the folder is not there, with 1 when it does not compile. */
async function setOf(
  rules_dir: string,
  policy_file: string | undefined,
  actions: Awaited<ReturnType<typeof rehearsalParts>>['actions'],
): Promise<PlayedSet> {
  if (!existsSync(rules_dir))
    misuse(NAME, `${rules_dir} does not exist: give a folder of rules, or set AUTOHEAL_RULES`);
  const texts = await createRuleFiles({ rules_dir, policy_file })
    .read()
    .catch((error: unknown) => misuse(NAME, reasonOf(error)));
  const compiled = await compileAll({
    files: { read: async () => texts },
    catalogueOf: catalogueFor(actions),
    clock: systemClock,
  });
  if (compiled.ok) return { folder: rules_dir, texts, set: compiled.set };
  return fail(NAME, `the rules in ${rules_dir} do not compile\n${compiled.rendered}`);
}

/** The world of a rule test, in a file of its own; or the whole file of such a map under `world`. */
async function worldOf(path: string | undefined): Promise<WorldSpec> {
  if (path === undefined) return {};
  if (!existsSync(path)) misuse(NAME, `--world: ${path} does not exist`);
  const read = await readText(path, path);
  if (!('text' in read))
    return fail(
      NAME,
      renderProblems([read], () => undefined),
    );
  const { source, problems } = parseYaml(path, read.text);
  const said = source?.value;
  const parsed = World.safeParse(said ?? {});
  if (source !== undefined && parsed.success) return worldSpecOf(parsed.data);
  const found =
    source === undefined || parsed.success
      ? problems
      : zodProblems(source, parsed.error.issues, World);
  return fail(NAME, `the world does not fit\n${renderProblems(found, () => read.text)}`);
}
