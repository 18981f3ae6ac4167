import { existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { point } from './points.ts';

/** What an action did to its target, as the target itself would tell: nothing of it is autoheal's own word. */
export interface Line {
  /** `begin` and `end` of a call, and in between the moment from which the target is another one. */
  readonly what: 'begin' | 'effect' | 'end';
  readonly action: string;
  /** Idempotency key of the call. */
  readonly key: string;
  readonly target: string;
  /** From what to what, where the action sets a value. */
  readonly from?: string;
  readonly to?: string;
}

/** The lines of a journal file, oldest first. */
export function readJournal(path: string): readonly Line[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

/** The targets of one process: their state is the journal's, so it outlives the process. */
export interface Targets {
  /** One line; the kernel has it when this returns, so it outlives a killed process without a sync. */
  write(line: Line): void;
  /** Was the target changed under this key? */
  isDone(key: string): boolean;
  /** The target's value; `calm` before anything set it. */
  valueOf(target: string): string;
}

/** What every target's value is at first. */
export const CALM = 'calm';
/** Keys remembered; far more than can be under way at one time, and no leak in a long run. */
const KEYS_MAX = 2_000;

/** Opens the journal that CRASH_JOURNAL names. */
export function openTargets(path = process.env['CRASH_JOURNAL'] ?? ''): Targets {
  const done = new Set<string>();
  const values = new Map<string, string>();
  function take({ what, key, target, to }: Line): void {
    if (what !== 'effect') return;
    done.add(key);
    for (const oldest of done) {
      if (done.size <= KEYS_MAX) break;
      done.delete(oldest);
    }
    if (to === CALM) values.delete(target);
    else if (to !== undefined) values.set(target, to);
  }
  for (const line of readJournal(path)) take(line);
  const file = openSync(path, 'a', 0o600);
  return {
    write(line) {
      point(`before ${line.what} of ${line.action}`);
      writeSync(file, `${JSON.stringify(line)}\n`);
      take(line);
    },
    isDone: (key) => done.has(key),
    valueOf: (target) => values.get(target) ?? CALM,
  };
}
