import { formatDuration } from '../duration.ts';
import { casesNeeded, newcombe, type Proportion } from './proportion.ts';

/** In points of the share that recovers: a rule that adds less is not worth its risk. */
export const EFFECT_MIN = 0.2;
/** With fewer firings in both groups together, nothing is known of how many recover at all. */
const POOLED_MIN = 20;

export const BENEFIT_WORDS = ['helps', 'no evidence yet', 'does not help', 'may harm'] as const;
export type BenefitWord = (typeof BENEFIT_WORDS)[number];

export interface Verdict {
  readonly word: BenefitWord;
  /** `observed`: what was left alone was not left alone by chance, so the difference may have other causes. */
  readonly basis: 'randomised' | 'observed';
  /** Firings that are missing, with the rule and without it; 0 where the word is more than "no evidence yet". */
  readonly more: { readonly with_rule: number; readonly without: number };
  /** The same in a sentence. */
  readonly text: string;
}
export interface Judged {
  readonly basis: Verdict['basis'];
  readonly horizon_ms: number;
  /** The rule leaves firings alone by chance. */
  readonly draws: boolean;
  readonly with_rule: Proportion | null;
  readonly without: Proportion | null;
}

/** The 95 % interval of the difference, in a word. */
export function judge(judged: Judged): Verdict {
  const { basis, with_rule, without } = judged;
  const word = wordOf(with_rule, without);
  const more = word === 'no evidence yet' ? missing(with_rule, without) : NONE;
  const said = [word, shares(judged), missingText(judged, more)].filter((part) => part !== null);
  return { word, basis, more, text: said.join(': ') };
}

const NONE = { with_rule: 0, without: 0 };

function wordOf(a: Proportion | null, b: Proportion | null): BenefitWord {
  if (a !== null && b !== null) {
    const { low, high } = newcombe(a, b);
    if (low > 0) return 'helps';
    if (high < 0) return 'may harm';
    if (high < EFFECT_MIN) return 'does not help';
  }
  // Whatever would happen without it: it cannot add more than what recovers with it.
  return a !== null && a.high < EFFECT_MIN ? 'does not help' : 'no evidence yet';
}

function missing(a: Proportion | null, b: Proportion | null): Verdict['more'] {
  const [n_a, n_b] = [a?.n ?? 0, b?.n ?? 0];
  const pooled = n_a + n_b < POOLED_MIN ? 0.5 : ((a?.k ?? 0) + (b?.k ?? 0)) / (n_a + n_b);
  const needed = casesNeeded(EFFECT_MIN, pooled);
  const more = { with_rule: Math.max(0, needed - n_a), without: Math.max(0, needed - n_b) };
  if (more.with_rule + more.without > 0) return more;
  // Enough for the usual case, and still open: the difference is close to a border. Twice as many.
  return n_a < n_b ? { with_rule: n_a, without: 0 } : { with_rule: 0, without: n_b };
}

function shares({ with_rule: a, without: b, horizon_ms, basis }: Judged): string | null {
  if (a === null && b === null) return null;
  const within = formatDuration(horizon_ms);
  const parts = [
    a === null ? null : `${percent(a.share)} of ${a.n} recovered within ${within} with it`,
    b === null ? null : `${percent(b.share)} of ${b.n} without it`,
  ].filter((part) => part !== null);
  if (a === null || b === null) return parts.join(', ');
  const { points, low, high } = newcombe(a, b);
  const by = basis === 'randomised' ? 'drawn by chance' : 'not drawn by chance';
  return `${parts.join(', ')} (${by}); ${whole(points)} points, ${whole(low)} to ${whole(high)}`;
}

function missingText({ draws, without }: Judged, more: Verdict['more']): string | null {
  const parts = [
    more.with_rule > 0 ? `about ${more.with_rule} more with it` : null,
    more.without > 0 ? `about ${more.without} more without it` : null,
  ].filter((part) => part !== null);
  if (parts.length === 0) return null;
  const advice = without === null && !draws ? "; `holdout: '5%'` in the rule would give some" : '';
  return `missing ${parts.join(' and ')}${advice}`;
}

function percent(share: number): string {
  return `${whole(share)}%`;
}

function whole(share: number): string {
  return String(Math.round(share * 100) + 0);
}
