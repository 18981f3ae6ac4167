import { randomFillSync } from 'node:crypto';
import type { Clock, Ids } from '../ports.ts';

/** Random bytes an id takes: 2 seed the counter of a new millisecond, 8 are the tail. */
const RANDOM_BYTES = 10;
/** One draw serves this many ids: a draw of 10 bytes costs as much as one of 4 KiB. */
const POOL_IDS = 400;
const COUNTER_MAX = 0xfff;
/** A fresh counter starts in the lower half, so that at least 2,048 ids fit in each millisecond. */
const COUNTER_SEED_MASK = 0x7ff;

const VERSION_AND_COUNTER = Array.from(
  { length: COUNTER_MAX + 1 },
  (_, counter) => `7${counter.toString(16).padStart(3, '0')}`,
);

/**
 * UUIDv7 (RFC 9562, 6.2 method 1): 48 bits of time, a 12-bit counter, 62 random bits. Each id sorts
 * after the one before, also within a millisecond and when the clock goes back; a counter that
 * overflows borrows the next millisecond.
 */
export function createIds(clock: Pick<Clock, 'now'>): Ids {
  const pool = Buffer.alloc(RANDOM_BYTES * POOL_IDS);
  /** The pool as text: one conversion instead of one an id. */
  let digits = '';
  let used = pool.length;
  let last_ms = 0;
  let counter = 0;
  let time = timeText(0);

  function random(): number {
    if (used >= pool.length) {
      randomFillSync(pool);
      digits = pool.toString('hex');
      used = 0;
    }
    used += RANDOM_BYTES;
    return used - RANDOM_BYTES;
  }

  function moveTo(ms: number, at: number): void {
    last_ms = ms;
    time = timeText(ms);
    counter = pool.readUInt16BE(at) & COUNTER_SEED_MASK;
  }

  function next(): string {
    const at = random();
    const now = clock.now();
    if (now > last_ms) {
      moveTo(now, at);
    } else if (counter < COUNTER_MAX) {
      counter += 1;
    } else {
      moveTo(last_ms + 1, at);
    }
    const variant = (((pool[at + 2] ?? 0) & 0x3f) | 0x80).toString(16);
    const tail = digits.slice(2 * at + 6, 2 * (at + RANDOM_BYTES));
    return `${time}${VERSION_AND_COUNTER[counter]}-${variant}${tail.slice(0, 2)}-${tail.slice(2)}`;
  }

  return { next };
}

function timeText(ms: number): string {
  const text = ms.toString(16).padStart(12, '0');
  return `${text.slice(0, 8)}-${text.slice(8)}-`;
}
