import { join } from 'node:path';
import { type Mutant, mutantsOf, withMutant } from './slo-mutations.ts';
import {
  evaluationsOf,
  type Group,
  joined,
  looksAt,
  looksOf,
  promtool,
  type PromTest,
  readGroups,
  readTests,
  sliceOf,
} from './slo-promtool.ts';

/**
 * `npm run slo:mutants`: breaks each rule in every way that it can be, one at a time, and shows that a test of
 * prometheus/tests catches it. `--each` takes one mutant a rule instead of all, `--file NAME` the rules of one file.
 * Ends with 1 where a mutant survives.
 */
const ROOT = join(import.meta.dirname, '..');
/** The files of rules whose every place is held. */
export const FILES = ['autoheal-slo', 'autoheal', 'services-slo'];
/** The files of tests that hold them. */
export const TESTS = [
  'burn-fast',
  'burn-slow',
  'series',
  'drill',
  'slo-slices',
  'slo-rates',
  'slo-ratios',
  'slo-windows',
  'slo-full',
  'slo-factors',
  'slo-waits',
  'autoheal',
  'services',
  'services-slow',
  'services-rates',
  'services-ratios',
  'services-idle',
  'services-windows',
  'services-full',
  'services-factors',
  'services-waits',
];
const AT_ONCE = 2;

/** A mutant, and what can see it of each test: of those that look at its very rule first, and the quickest first. */
export interface Case {
  readonly file: string;
  readonly groups: readonly Group[];
  readonly mutant: Mutant;
  readonly tests: readonly PromTest[];
}

/** Every mutant of every file of rules. */
export function casesOf(files: readonly string[] = FILES): readonly Case[] {
  const tests = TESTS.flatMap((name) => readTests(join(ROOT, `prometheus/tests/${name}.yml`)));
  return files.flatMap((file) => {
    const path = join(ROOT, `prometheus/rules/${file}.yml`);
    const groups = readGroups(path);
    const looks = tests
      .filter(({ rules }) => rules === path)
      .map((test) =>
        looksOf(test).map((look) => ({
          look,
          slice: new Set(sliceOf(groups, look).flatMap(({ rules }) => rules)),
        })),
      );
    // Once a rule, not once a mutant: slicing takes longer than promtool.
    const seeing = groups.map(({ rules }) =>
      rules.map((rule) => {
        const [near, far] = [true, false].map((is) =>
          looks
            .map((some) => some.filter(({ slice }) => slice.has(rule)).map(({ look }) => look))
            .map((some) => some.filter((look) => looksAt(look, rule) === is))
            .flatMap(([first, ...more]) => (first === undefined ? [] : [joined([first, ...more])]))
            .map((test) => ({ test, cost: evaluationsOf(test, sliceOf(groups, test)) }))
            .toSorted((x, y) => x.cost - y.cost)
            .map(({ test }) => test),
        );
        return [...(near ?? []), ...(far ?? [])];
      }),
    );
    return mutantsOf(groups).map((mutant) => ({
      file,
      groups,
      mutant,
      tests: seeing[mutant.group]?.[mutant.rule] ?? [],
    }));
  });
}

/** True: a test failed, as it should. */
export async function isCaught(program: string, { groups, mutant, tests }: Case): Promise<boolean> {
  const broken = withMutant(groups, mutant);
  for (const test of tests) {
    // Sliced by what the test names, after the break: a rule that no longer reads another leaves it out.
    if ((await promtool(program, sliceOf(broken, test), test)) !== undefined) return true;
  }
  return false;
}

/** As `autoheal-slo: autoheal:burn_fast changes a number`. */
export function titleOf({ file, groups, mutant }: Case): string {
  const rule = groups[mutant.group]?.rules[mutant.rule];
  const labels = Object.values(rule?.labels ?? {}).join(' ');
  return `${file}: ${rule?.alert ?? rule?.record} {${labels}} ${mutant.what}`;
}

/** One mutant a rule, another kind for each in turn. */
function oneEach(cases: readonly Case[]): readonly Case[] {
  const by_rule = Map.groupBy(
    cases,
    ({ file, mutant }) => `${file} ${mutant.group} ${mutant.rule}`,
  );
  return [...by_rule.values()].flatMap((of, at) => of[at % of.length] ?? []);
}

async function main(args: readonly string[]): Promise<void> {
  const named = args[args.indexOf('--file') + 1];
  const all = casesOf(args.includes('--file') && named !== undefined ? [named] : FILES);
  const cases = args.includes('--each') ? oneEach(all) : all;
  const survivors: string[] = [];
  let next = 0;
  async function work(): Promise<void> {
    for (let one = cases[next++]; one !== undefined; one = cases[next++]) {
      if (await isCaught('promtool', one)) continue;
      survivors.push(titleOf(one));
      console.log(`survived: ${titleOf(one)}`);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  console.log(`${cases.length} mutants, ${cases.length - survivors.length} caught`);
  if (survivors.length > 0) process.exitCode = 1;
}

if (import.meta.main) await main(process.argv.slice(2));
