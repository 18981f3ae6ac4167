import { isObject } from '../core/rules/rule-params.ts';
import { type Json, jsonEqual } from '../core/json.ts';
import { diffOf, type DiffLine } from './diff.ts';
import { play } from './play.ts';
import { openRehearsal, type Rehearsal, type RehearsalOptions } from './rehearsal.ts';
import { storyOf, yamlOf } from './story.ts';
import type { RuleTest } from './test-schema.ts';
import { worldSpecOf } from './test-world.ts';

export interface TestResult {
  readonly name: string;
  readonly passed: boolean;
  /** What went wrong besides the story, in words. */
  readonly problems: readonly string[];
  /** The story beside what was expected. */
  readonly diff: readonly DiffLine[];
  /** The story as it was, as expectations. */
  readonly story_yaml: string;
}

/**
 * Where there is an Alertmanager the service has run for a while, as it mostly has when an alert comes: it has
 * noticed one that is down, and its last poll is old enough that it asks again. Between two polls of 15 s.
 */
const RUNS_FOR_MS = 52_000;

/** Plays one test in a rehearsal of its own. @throws Error when the rules do not compile. */
export async function runTest(
  test: RuleTest,
  stage: Omit<RehearsalOptions, 'start' | 'mode' | 'world'>,
): Promise<TestResult> {
  const { start, mode } = test;
  const world = worldSpecOf(test.world);
  const seen = (world.alertmanager ?? 'absent') !== 'absent';
  const rehearsal = await openRehearsal({
    ...stage,
    start: seen ? start - RUNS_FOR_MS : start,
    mode,
    world,
  });
  try {
    await rehearsal.advanceTo(start);
    const before = (await rehearsal.story(0)).at(-1)?.seq ?? 0;
    const undone = await play(test, rehearsal);
    const story = storyOf(await rehearsal.story(before), test.expect, start);
    const diff = diffOf(test.expect, story);
    const problems = [
      ...undone,
      ...rehearsal.world.unanswered().map(unansweredText),
      ...(await endProblems(test, rehearsal)),
    ];
    const passed = problems.length === 0 && diff.every(({ kind }) => kind === 'same');
    return { name: test.name, passed, problems, diff, story_yaml: yamlOf(story) };
  } finally {
    await rehearsal.close();
  }
}

function unansweredText(look: string): string {
  const at = look.indexOf(': ');
  const [kind, what] = [look.slice(0, at), look.slice(at + 2)];
  const quoted = `'${what.replaceAll("'", "''")}'`;
  return `nothing says what ${kind} ${what} answers; say it: world: { ${kind}: { ${quoted}: true } }`;
}

/** What `finally` says and is not so. */
async function endProblems(test: RuleTest, rehearsal: Rehearsal): Promise<readonly string[]> {
  const flags = await Promise.all(
    Object.entries(test.finally.flags).map(async ([key, wanted]) => {
      const now = (await rehearsal.flags.get(key))?.value;
      return compared(`flags: ${key}`, wanted, now);
    }),
  );
  const targets = Object.entries(test.finally.targets).map(([id, wanted]) =>
    compared(`targets: ${id}`, wanted, seenBy(wanted, rehearsal.world.value(id))),
  );
  return [...flags, ...targets].flat();
}

function compared(what: string, wanted: Json, now: Json | undefined): readonly string[] {
  if (jsonEqual(wanted, now)) return [];
  const is = now === undefined ? 'is not known' : `is ${JSON.stringify(now)}`;
  return [`finally: ${what}: expected ${JSON.stringify(wanted)}, ${is}`];
}

/** Of a map only the keys that are named count. */
function seenBy(wanted: Json, now: Json | undefined): Json | undefined {
  if (!isObject(wanted) || !isObject(now)) return now;
  return Object.fromEntries(Object.entries(now).filter(([key]) => Object.hasOwn(wanted, key)));
}
