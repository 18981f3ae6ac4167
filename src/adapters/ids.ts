import { randomFillSync } from 'node:crypto';
import type { Clock, Ids } from '../ports.ts';

/** Random bytes an id takes: 2 seed the counter of a new millisecond, 8 are the tail. */
const RANDOM_BYTES = 10;
/** One draw serves this many ids: a draw of 10 bytes costs as much as one of 4 KiB. */
const POOL_IDS = 400;
const COUNTER_MAX = 0xfff;
/** A fresh counter starts in the lower half, so that at least 2,048 ids fit in each millisecond. */
const COUNTER_SEED_MASK = 0x7ff;

/**
 * UUIDv7 (RFC 9562, 6.2 method 1): 48 bits of time, a 12-bit counter, 62 random bits. Each id sorts
 * after the one before, also within a millisecond and when the clock goes back; a counter that
 * overflows borrows the next millisecond.
 */
export function createIds(clock: Pick<Clock, 'now'>): Ids {
  const pool = Buffer.alloc(RANDOM_BYTES * POOL_IDS);
  let used = pool.length;
  let last_ms = 0;
  let counter = 0;

  function random(): number {
    if (used >= pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    used += RANDOM_BYTES;
    return used - RANDOM_BYTES;
  }

  function next(): string {
    const at = random();
    const now = clock.now();
    if (now > last_ms) {
      last_ms = now;
      counter = pool.readUInt16BE(at) & COUNTER_SEED_MASK;
    } else if (counter < COUNTER_MAX) {
      counter += 1;
    } else {
      last_ms += 1;
      counter = pool.readUInt16BE(at) & COUNTER_SEED_MASK;
    }
    return format(last_ms, counter, pool.subarray(at + 2, at + RANDOM_BYTES));
  }

  return { next };
}

function format(ms: number, counter: number, tail: Buffer): string {
  const time = ms.toString(16).padStart(12, '0');
  const variant = ((tail.readUInt16BE(0) & 0x3fff) | 0x8000).toString(16);
  const node = tail.toString('hex', 2, 8);
  const sequence = counter.toString(16).padStart(3, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence}-${variant}-${node}`;
}
