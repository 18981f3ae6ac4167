import { type AuditKind, type AuditRecord } from '../core/audit/audit.ts';
import { formatDuration } from '../core/duration.ts';
import type { Json } from '../core/json.ts';
import type { Expectation } from './test-schema.ts';

/** Always compared, so that a deed that nobody expects fails the test. */
export const COMPARED_KINDS: readonly AuditKind[] = [
  'decision_skip',
  'decision_wait',
  'approval_requested',
  'approval_granted',
  'approval_denied',
  'action_ok',
  'action_fail',
  'action_dry_run',
  'verify_fail',
  'revert_ok',
  'revert_fail',
  'escalated',
  'hold',
  'remediation_done',
];

/** An audit entry as a test tells it: without ids, with its time since the start. */
export interface StoryEntry {
  /** Ms since the start, whole seconds. */
  readonly at: number;
  readonly kind: AuditKind;
  readonly rule: string | null;
  readonly step: number | null;
  readonly action: string | null;
  readonly target: string | null;
  readonly cmd: string | null;
  readonly result: string | null;
  readonly reason: string | null;
  readonly actor: string;
  /** All texts of the entry's detail. */
  readonly words: string;
}

/** What of the audit log a test compares: the kinds above, and those that it names itself. */
export function storyOf(
  entries: readonly AuditRecord[],
  expected: readonly Expectation[],
  start: number,
): readonly StoryEntry[] {
  const kinds = new Set<AuditKind>([...COMPARED_KINDS, ...expected.map(({ kind }) => kind)]);
  return entries
    .filter(({ kind }) => kinds.has(kind))
    .map((entry) => ({
      at: toSeconds(entry.ts - start),
      kind: entry.kind,
      rule: entry.rule,
      step: entry.step,
      action: entry.action,
      target: entry.target,
      cmd: entry.cmd,
      result: entry.result,
      reason: entry.reason,
      actor: entry.actor,
      words: wordsOf(entry.detail).join('\n'),
    }));
}

function wordsOf(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(wordsOf);
}

/** Times are compared to the second. */
export function toSeconds(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}

const NAMED = ['rule', 'step', 'action', 'target', 'cmd', 'result', 'reason', 'actor'] as const;
type Named = (typeof NAMED)[number];

/** How an entry differs from what is expected of it: field by field; empty: it is it. */
export function differences(entry: StoryEntry, expected: Expectation): readonly string[] {
  const found: string[] = [];
  if (entry.kind !== expected.kind)
    found.push(`kind: expected ${expected.kind}, it is ${entry.kind}`);
  if (expected.at !== undefined && entry.at !== toSeconds(expected.at))
    found.push(`at: expected ${formatDuration(expected.at)}, it is ${formatDuration(entry.at)}`);
  for (const name of NAMED) {
    const wanted = expected[name];
    if (wanted !== undefined && wanted !== entry[name])
      found.push(`${name}: expected ${shown(wanted)}, it is ${shown(entry[name])}`);
  }
  const { detail } = expected;
  if (detail !== undefined && !entry.words.includes(detail))
    found.push(`detail: expected ${shown(detail)} in ${shown(entry.words)}`);
  return found;
}

function shown(value: string | number | null): string {
  return value === null ? 'empty' : JSON.stringify(value);
}

/* ---------------------------------------------------------------- as text */

/** One line: time, kind, and what there is to say. */
export function lineOf(entry: Partial<Record<Named, string | number | null>> & Timed): string {
  const at = entry.at === undefined ? '' : formatDuration(toSeconds(entry.at));
  const rest = NAMED.flatMap((name) => partOf(name, entry[name] ?? null));
  return [at.padEnd(8), entry.kind.padEnd(18), ...rest].join(' ').trimEnd();
}
interface Timed {
  readonly at?: number | undefined;
  readonly kind: string;
}

function partOf(name: Named, value: string | number | null): readonly string[] {
  if (value === null) return [];
  if (name === 'actor') return value === 'autoheal' ? [] : [`by ${value}`];
  if (name === 'step') return [`step ${value}`];
  return [name === 'cmd' ? JSON.stringify(value) : String(value)];
}

/** The story as expectations, one line an entry, to paste into a test. */
export function yamlOf(story: readonly StoryEntry[]): string {
  const several = new Set(story.map(({ rule }) => rule)).size > 1;
  return story.map((entry) => `- ${flowMap(fieldsOf(entry, several))}`).join('\n');
}

function fieldsOf(entry: StoryEntry, with_rule: boolean): readonly (readonly [string, string])[] {
  const { kind, rule, action, target, cmd, result, reason, actor } = entry;
  const fields: readonly (readonly [string, string | null])[] = [
    ['at', formatDuration(entry.at)],
    ['kind', kind],
    ['rule', with_rule ? rule : null],
    ['action', action],
    ['target', target],
    ['cmd', cmd],
    ['result', result],
    ['reason', reason],
    ['actor', actor === 'autoheal' || actor === 'alertmanager' ? null : actor],
  ];
  return fields.filter((field): field is readonly [string, string] => field[1] !== null);
}

function flowMap(fields: readonly (readonly [string, string])[]): string {
  return `{ ${fields.map(([name, value]) => `${name}: ${scalar(value)}`).join(', ')} }`;
}

/** What YAML could read as something else than text is quoted. */
function scalar(value: string): string {
  const plain = /^[A-Za-z][\w./-]*$|^\d+[a-z]\w*$/.test(value);
  const word = /^(?:true|false|null|yes|no|on|off|\d+e\d+)$/i.test(value);
  return plain && !word ? value : `'${value.replaceAll("'", "''")}'`;
}
