import type { Episode } from '../../core/alerts/episode.ts';
import { RECHECK_MS } from '../../core/healing/guard-words.ts';
import type { Remediation, Target } from '../../core/healing/remediation.ts';
import { lookPauseMs } from '../../core/healing/verify.ts';
import type { Rule, RuleSet } from '../../core/rules/rule.ts';
import type { LockTarget } from '../../store.ts';
import { alertKey, questionKey } from './record.ts';
import { nextLook, type Rests } from '../memory/remediations.ts';
import type { RestsOf } from '../memory/store.ts';

/**
 * Looks that would find what the last one found are most of a replay, so they are left out: those of who waits for a
 * lock, until its holder lets go, and those of a verification, until the record changes what it asks. The next look is
 * at a time that it would have been at.
 */
export interface Rest {
  begin(set: RuleSet): void;
  /** What the last look of a remediation found locked, and by whom. */
  saw(targets: readonly LockTarget[], id: string, holder: string | undefined): void;
  /** Which looks of what is written now are left out. */
  of(row: Remediation, of: RestsOf): Rests | undefined;
  /** Who rests until something of this changes; their ids. */
  forAny(keys: Iterable<string>): readonly string[];
}

/** Somebody was told to keep off a target. */
export const HOLDS_KEY = 'holds';
export function lockKey(holder: string): string {
  return `lock ${holder}`;
}

export function createRest(now: () => number): Rest {
  let rules = new Map<string, Rule>();
  /** Who holds what the remediation wants, as its last look found. */
  const held_by = new Map<string, string>();
  const { forget, until, forAny } = createKeys();

  /** Only where nothing else changes what a look finds: a rule without `when`, targets whose state is not looked at. */
  function waiting(row: Remediation, rule: Rule, episode: Episode, of: RestsOf) {
    const holder = held_by.get(row.id);
    const from = now();
    if (holder === undefined || row.reason !== 'busy') return undefined;
    // It let go between the look and this: nobody will tell, so the next look finds it free.
    if (!of.holds(holder)) return undefined;
    if (rule.when.length > 0 || row.next_at !== from + RECHECK_MS) return undefined;
    until(row.id, [lockKey(holder), HOLDS_KEY]);
    const grid = { from, every_ms: RECHECK_MS };
    return { ...grid, until: nextLook(grid, episode.last_firing_at + rule.guard.max_age_ms) };
  }

  function verifying(row: Remediation, rule: Rule, episode: Episode): Rests | undefined {
    const spec = rule.steps[row.step]?.verify;
    const { verify: progress } = row;
    const from = now();
    // Before the first look it waits for the change to settle.
    if (row.state !== 'verifying' || spec === undefined) return undefined;
    if (progress === null || progress.checks === 0) return undefined;
    const { holds_since, deadline_at } = progress;
    const every_ms = Math.ceil(lookPauseMs(spec));
    const held_at = holds_since === null ? Number.POSITIVE_INFINITY : holds_since + spec.for_ms;
    const verdict_at = Math.ceil(Math.min(deadline_at, Math.max(held_at, from + 1)));
    if (row.next_at !== from + every_ms || verdict_at <= row.next_at) return undefined;
    until(row.id, [alertKey(row.fingerprint), ...questionKey(spec.check, episode)]);
    return { from, every_ms, until: verdict_at };
  }

  return {
    begin(set) {
      // An alert that ceases to come is nothing that a record tells.
      if (set.policy.watchdog === null) rules = new Map(set.rules.map((rule) => [rule.name, rule]));
    },
    saw(targets, id, holder) {
      const stateless = (targets as readonly Partial<Target>[]).every(
        ({ desired }) => desired === null,
      );
      if (holder !== undefined && stateless && rules.size > 0) held_by.set(id, holder);
      else held_by.delete(id);
    },
    of(row, of) {
      const { episode } = of;
      forget(row.id);
      const rule = rules.get(row.rule);
      const how = row.state === 'waiting' ? waiting : verifying;
      const able = rule !== undefined && episode !== undefined && Number.isInteger(now());
      const rests = able ? how(row, rule, episode, of) : undefined;
      held_by.delete(row.id);
      return rests;
    },
    forAny,
  };
}

/** Who rests until what changes. */
function createKeys() {
  const by_key = new Map<string, Set<string>>();
  const keys_of = new Map<string, readonly string[]>();

  function forget(id: string): void {
    for (const key of keys_of.get(id) ?? []) {
      const ids = by_key.get(key);
      ids?.delete(id);
      if (ids?.size === 0) by_key.delete(key);
    }
    keys_of.delete(id);
  }

  function until(id: string, keys: readonly string[]): void {
    keys_of.set(id, keys);
    for (const key of keys) {
      const ids = by_key.get(key);
      if (ids === undefined) by_key.set(key, new Set([id]));
      else ids.add(id);
    }
  }

  function forAny(keys: Iterable<string>): readonly string[] {
    const ids = new Set<string>();
    for (const key of keys) for (const id of by_key.get(key) ?? []) ids.add(id);
    return [...ids];
  }

  return { forget, until, forAny };
}
