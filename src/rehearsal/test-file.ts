import { type Problem, sortProblems } from '../core/rules/diagnostic.ts';
import { isObject } from '../core/rules/rule-params.ts';
import type { RuleText } from '../core/rules/rule-compile.ts';
import { parseYaml } from '../core/rules/yaml-parse.ts';
import { type Path, problemAt, problemOfFile, type YamlSource } from '../core/rules/yaml-source.ts';
import { pathText, zodProblems } from '../core/rules/zod-problems.ts';
import { didYouMean } from '../core/suggest.ts';
import { formatDuration } from '../core/duration.ts';
import { type RuleTest, TestFile } from './test-schema.ts';

/** UTF-16 units of a file of tests. */
export const TEST_FILE_CHARS_MAX = 512 * 1_024;

/** The names that a test may use. */
export interface TestNames {
  readonly rules: readonly string[];
  readonly actions: readonly string[];
}
export interface ReadTests {
  readonly file?: TestFile;
  readonly source?: YamlSource;
  readonly problems: readonly Problem[];
}

/** A file of tests, checked whole: every problem at once, and its tests only when there is none. */
export function readTestFile(
  { file, text }: Pick<RuleText, 'file' | 'text'>,
  names: TestNames,
): ReadTests {
  if (text.length > TEST_FILE_CHARS_MAX)
    return {
      problems: [
        problemOfFile(file, `is longer than ${TEST_FILE_CHARS_MAX} characters`, 'split the file'),
      ],
    };
  const { source, problems } = parseYaml(file, text);
  if (source === undefined) return { problems };
  if (!isObject(source.value))
    return {
      problems: [problemOfFile(file, 'a file of tests is a map of keys', 'begin with tests:')],
    };
  const parsed = TestFile.safeParse(source.value);
  if (!parsed.success)
    return { source, problems: sortProblems(zodProblems(source, parsed.error.issues, TestFile)) };
  const found = parsed.data.tests.flatMap((test, index) => checkTest(source, index, test, names));
  const all = sortProblems([...found, ...checkNames(source, parsed.data.tests)]);
  return all.length > 0 ? { source, problems: all } : { source, file: parsed.data, problems: [] };
}

function checkNames(source: YamlSource, tests: readonly RuleTest[]): readonly Problem[] {
  const seen = new Map<string, number>();
  return tests.flatMap(({ name }, index) => {
    const before = seen.get(name);
    if (before === undefined) {
      seen.set(name, index);
      return [];
    }
    const message = `"${name}" is the name of test ${before + 1} as well`;
    return [said(source, ['tests', index, 'name'], message, 'give each test its own name')];
  });
}

function checkTest(
  source: YamlSource,
  index: number,
  test: RuleTest,
  names: TestNames,
): readonly Problem[] {
  const path = ['tests', index];
  return [
    ...checkUntil(source, path, test),
    ...checkTimeline(source, path, test, names),
    ...test.expect.flatMap((expected, at) =>
      checkUses(source, [...path, 'expect', at], expected, names),
    ),
  ];
}

/** What lies behind the end would be checked against nothing. */
function checkUntil(source: YamlSource, path: Path, test: RuleTest): readonly Problem[] {
  const { until } = test;
  if (until === undefined) return [];
  const lists = [
    ['timeline', test.timeline],
    ['expect', test.expect],
  ] as const;
  return lists.flatMap(([list, items]) =>
    items.flatMap(({ at }, index) => {
      if (at === undefined || at <= until) return [];
      const message = `lies behind until: ${formatDuration(until)}`;
      return [said(source, [...path, list, index, 'at'], message, 'make until later')];
    }),
  );
}

function checkTimeline(
  source: YamlSource,
  path: Path,
  test: RuleTest,
  names: TestNames,
): readonly Problem[] {
  const absent = (test.world.alertmanager ?? 'absent') === 'absent';
  return test.timeline.flatMap((event, index) => {
    const here = [...path, 'timeline', index];
    const { action, operator, world } = event;
    const state = world?.alertmanager;
    const moved = state !== undefined && (state === 'absent') !== absent;
    return [
      ...(action === undefined
        ? []
        : oneOf(source, [...here, 'action', 'action'], action.action, names.actions, 'action')),
      ...(operator?.run === undefined
        ? []
        : oneOf(source, [...here, 'operator', 'run'], operator.run, names.rules, 'rule')),
      ...(operator?.hold === undefined
        ? []
        : checkUses(source, [...here, 'operator', 'hold'], operator.hold, names)),
      ...(moved
        ? [
            said(
              source,
              [...here, 'world', 'alertmanager'],
              'whether there is an Alertmanager is known from the start',
              "say alertmanager: present (or down) in the test's world",
            ),
          ]
        : []),
    ];
  });
}

function checkUses(
  source: YamlSource,
  path: Path,
  uses: { readonly rule?: string | undefined; readonly action?: string | undefined },
  names: TestNames,
): readonly Problem[] {
  return [
    ...oneOf(source, [...path, 'rule'], uses.rule, names.rules, 'rule'),
    ...oneOf(source, [...path, 'action'], uses.action, names.actions, 'action'),
  ];
}

function oneOf(
  source: YamlSource,
  path: Path,
  name: string | undefined,
  known: readonly string[],
  what: string,
): readonly Problem[] {
  if (name === undefined || known.includes(name)) return [];
  return [said(source, path, `there is no ${what} "${name}"`, didYouMean(name, known))];
}

function said(source: YamlSource, path: Path, message: string, fix: string): Problem {
  return problemAt(source, path, `${pathText(path)}: ${message}`, fix);
}
