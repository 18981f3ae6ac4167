import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A function of a V8 CPU profile. */
export interface Frame {
  /** Empty for one without a name, and for a module's top level. */
  readonly functionName: string;
  readonly lineNumber: number;
  /** A file's address, `node:` and a name, or empty. */
  readonly url: string;
}
/** What a piece of work counts as: the first, from the innermost frame outwards, that has a group. */
export type GroupOf = (frame: Frame) => string | undefined;

interface Node {
  readonly id: number;
  readonly callFrame: Frame;
  readonly children?: readonly number[];
}
interface Profile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  /** us before each sample. */
  readonly timeDeltas: readonly number[];
}

const NOT_WORK: ReadonlySet<string> = new Set(['(idle)', '(root)']);
const REST = 'node and native code';

/** The one profile that a process left in this folder at its end. @throws Error when there is none. */
export function readProfile(folder: string): Profile {
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error(`${folder}: node left no CPU profile`);
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile;
}

/** Shares of the time that was spent working, 0 to 1, the largest first. `skip`: of the samples, from the beginning. */
export function sharesOf(
  { nodes, samples, timeDeltas }: Profile,
  groupOf: GroupOf,
  skip: number,
): readonly (readonly [group: string, share: number])[] {
  const groups = groupsOf(nodes, groupOf);
  const spent = new Map<string, number>();
  let all = 0;
  for (let at = Math.floor(samples.length * skip); at < samples.length; at += 1) {
    const group = groups.get(samples[at] ?? 0);
    if (group === undefined) continue;
    const us = timeDeltas[at] ?? 0;
    spent.set(group, (spent.get(group) ?? 0) + us);
    all += us;
  }
  return [...spent]
    .map(([group, us]) => [group, us / all] as const)
    .toSorted(([, one], [, other]) => other - one);
}

/** Parents stand before their children in a profile, so one pass is enough. */
function groupsOf(nodes: readonly Node[], groupOf: GroupOf): ReadonlyMap<number, string> {
  const groups = new Map<number, string>();
  const inherited = new Map<number, string>();
  for (const { id, callFrame, children } of nodes) {
    const group = groupOf(callFrame) ?? inherited.get(id) ?? REST;
    if (!NOT_WORK.has(callFrame.functionName)) groups.set(id, group);
    for (const child of children ?? []) inherited.set(child, group);
  }
  return groups;
}
