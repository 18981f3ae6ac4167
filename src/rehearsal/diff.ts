import { differences, lineOf, type StoryEntry } from './story.ts';
import type { Expectation } from './test-schema.ts';

/** Entries compared of one story; beyond it the rest counts as unexpected. */
export const COMPARED_MAX = 5_000;

/** `same`: as expected · `missing`: expected and not there · `extra`: there and not expected · `why`: what differs. */
export interface DiffLine {
  readonly kind: 'same' | 'missing' | 'extra' | 'why';
  readonly text: string;
}

/** The story beside what was expected of it. It is as expected when all lines are `same`. */
export function diffOf(
  expected: readonly Expectation[],
  story: readonly StoryEntry[],
): readonly DiffLine[] {
  const actual = story.slice(0, COMPARED_MAX);
  const lines: DiffLine[] = [];
  let from = { expected: 0, actual: 0 };
  for (const pair of [...pairs(expected, actual), undefined]) {
    const to = pair ?? { expected: expected.length, actual: actual.length };
    lines.push(
      ...gap(expected.slice(from.expected, to.expected), actual.slice(from.actual, to.actual)),
    );
    const entry = pair === undefined ? undefined : actual[pair.actual];
    if (entry !== undefined) lines.push({ kind: 'same', text: lineOf(entry) });
    from = { expected: to.expected + 1, actual: to.actual + 1 };
  }
  const more = story.length - actual.length;
  if (more > 0) lines.push({ kind: 'extra', text: `... and ${more} more` });
  return lines;
}

interface Pair {
  readonly expected: number;
  readonly actual: number;
}

/** The longest run of expectations that are met, in order: the usual table of the longest common subsequence. */
function pairs(expected: readonly Expectation[], actual: readonly StoryEntry[]): readonly Pair[] {
  const width = actual.length + 1;
  const table = new Uint32Array((expected.length + 1) * width);
  function best(e: number, a: number): number {
    return table[e * width + a] ?? 0;
  }
  for (const [e, one] of [...expected.entries()].toReversed())
    for (let a = actual.length - 1; a >= 0; a -= 1)
      table[e * width + a] = meets(actual[a], one)
        ? best(e + 1, a + 1) + 1
        : Math.max(best(e + 1, a), best(e, a + 1));
  const found: Pair[] = [];
  let a = 0;
  for (const [e, one] of expected.entries()) {
    // Entries that no better run needs are passed by.
    while (a < actual.length && best(e, a) === best(e, a + 1)) a += 1;
    if (best(e, a) === best(e + 1, a) || !meets(actual[a], one)) continue;
    found.push({ expected: e, actual: a });
    a += 1;
  }
  return found;
}

function meets(entry: StoryEntry | undefined, expected: Expectation): boolean {
  return entry !== undefined && differences(entry, expected).length === 0;
}

/** What lies between two that are met: an entry of the expected kind is told apart field by field. */
function gap(expected: readonly Expectation[], actual: readonly StoryEntry[]): readonly DiffLine[] {
  const left = [...actual];
  const lines = expected.flatMap((one): readonly DiffLine[] => {
    const missing: DiffLine = {
      kind: 'missing',
      text: lineOf(one as Parameters<typeof lineOf>[0]),
    };
    const at = left.findIndex(({ kind }) => kind === one.kind);
    if (at === -1) return [missing];
    const before = left.splice(0, at + 1);
    const entry = before.pop();
    if (entry === undefined) return [missing];
    const why = differences(entry, one).map((text): DiffLine => ({ kind: 'why', text }));
    return [...before.map(extra), missing, extra(entry), ...why];
  });
  return [...lines, ...left.map(extra)];
}

function extra(entry: StoryEntry): DiffLine {
  return { kind: 'extra', text: lineOf(entry) };
}
