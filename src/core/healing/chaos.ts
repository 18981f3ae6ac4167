/** What was armed, for how long, and how far its draws have come (DESIGN §11). Times in ms since the epoch. */
export interface ChaosState {
  /** The settings this end belongs to; another key arms anew, the same resumes what remains. */
  readonly key: string;
  readonly rate_pct: number;
  readonly seed: number;
  readonly armed_at: number;
  readonly ends_at: number;
  /** Steps drawn so far: the sequence number of the next draw. */
  readonly draws: number;
  readonly disarmed: boolean;
}

export function chaosKey(rate_pct: number, seed: number, for_ms: number): string {
  return `rate=${rate_pct};seed=${seed};for=${for_ms}`;
}

export function chaosActive(state: ChaosState | undefined, now: number): boolean {
  return state !== undefined && !state.disarmed && state.rate_pct > 0 && now < state.ends_at;
}

/**
 * Does draw number `n` of this seed fail? One draw a step. The same seed gives the same sequence.
 * splitmix32 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014) on seed + n.
 */
export function chaosFails(seed: number, n: number, rate_pct: number): boolean {
  let z = (Math.imul(n + 1, 0x9e3779b9) + seed) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  const unit = ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  return unit * 100 < rate_pct;
}
