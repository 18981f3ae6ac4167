import type { VerifyProgress } from './remediation.ts';
import type { VerifySpec } from '../rules/rule.ts';

/** One look at the evidence. `blind`: it could not be made, which is never success. */
export type Look = {
  readonly state: 'holds' | 'not_yet' | 'failed' | 'flapped' | 'blind';
  readonly detail: string;
};

export type VerifyVerdict =
  | { readonly kind: 'healthy' }
  | { readonly kind: 'pending'; readonly at: number }
  | { readonly kind: 'failed'; readonly reason: VerifyFailure };

/** `flapped`: it held, and then not any more. `inconclusive`: nobody could look; never success. */
export type VerifyFailure = 'not_healed' | 'unhealthy' | 'flapped' | 'inconclusive';

/** The pause between two looks: a twentieth of the time allowed, between 1 s and 15 s. */
const LOOKS = 20;
const LOOK_MIN_MS = 1_000;
const LOOK_MAX_MS = 15_000;

/** Folds one look into the progress: since when the check holds without a break. */
export function afterLook(progress: VerifyProgress, look: Look, now: number): VerifyProgress {
  return {
    ...progress,
    holds_since: look.state === 'holds' ? (progress.holds_since ?? now) : null,
    held: progress.held || look.state === 'holds',
    last: look.detail,
    blind: look.state === 'blind',
    checks: progress.checks + 1,
  };
}

/** Does the evidence so far make a verdict? Times in ms since the epoch. */
export function verdictOf(
  progress: VerifyProgress,
  look: Look,
  spec: VerifySpec,
  now: number,
): VerifyVerdict {
  const { holds_since, deadline_at } = progress;
  if (holds_since !== null && now - holds_since >= spec.for_ms) return { kind: 'healthy' };
  if (look.state === 'failed') return { kind: 'failed', reason: 'unhealthy' };
  if (look.state === 'flapped') return { kind: 'failed', reason: 'flapped' };
  if (now >= deadline_at) return { kind: 'failed', reason: inTheEnd(progress, look) };
  return { kind: 'pending', at: nextLook(progress, spec, now) };
}

/** The time is over and it does not hold long enough. */
function inTheEnd(progress: VerifyProgress, look: Look): VerifyFailure {
  if (look.state === 'blind') return 'inconclusive';
  return progress.held && look.state === 'not_yet' ? 'flapped' : 'not_healed';
}

/** Ms between two looks while nothing is decided. */
export function lookPauseMs({ within_ms }: Pick<VerifySpec, 'within_ms'>): number {
  return Math.min(LOOK_MAX_MS, Math.max(LOOK_MIN_MS, within_ms / LOOKS));
}

function nextLook(progress: VerifyProgress, spec: VerifySpec, now: number): number {
  const { holds_since, deadline_at, blind } = progress;
  // A resolve wakes the remediation by itself; looking in between would only cost.
  if (spec.check.kind === 'resolved' && !blind && holds_since === null) return deadline_at;
  const pause_ms = lookPauseMs(spec);
  const held = holds_since === null ? Number.POSITIVE_INFINITY : holds_since + spec.for_ms;
  return Math.ceil(Math.min(now + pause_ms, deadline_at, Math.max(held, now + 1)));
}
