import { randomInt } from 'node:crypto';

/** Draws from one seed; a run that failed is drawn again by giving the seed. */
export interface Random {
  readonly seed: number;
  /** From 0 to 1, 1 not in it. */
  next(): number;
  /** A whole number below `end`. */
  below(end: number): number;
}

/** Mulberry32 (public domain, Tommy Ettinger). `seed` is text as a variable has it; unset draws one. */
export function seeded(seed: string | undefined): Random {
  const from = seed === undefined ? randomInt(2 ** 32) : Number(seed);
  let state = from >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return { seed: from, next, below: (end) => Math.floor(next() * end) };
}
