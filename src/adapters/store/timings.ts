import type { StoreTimings } from '../../ports.ts';
import type { Store } from '../../store.ts';

/** Reads of the port, by name. */
type Reads = Readonly<Record<string, unknown>>;
type Read = (...args: unknown[]) => unknown;

/**
 * The same reads, each measured. The driver answers before the call returns, so that is what is timed: a
 * promise would be timed with whatever the event loop does next. 0.4 us a read.
 */
export function timedReads<T extends Reads>(timings: StoreTimings | undefined, reads: T): T {
  if (timings === undefined) return reads;
  const timed = Object.entries(reads).map(([name, read]) => [
    name,
    (...args: unknown[]) => {
      const started = performance.now();
      try {
        return (read as Read)(...args);
      } finally {
        timings.store('read', (performance.now() - started) / 1_000);
      }
    },
  ]);
  return Object.fromEntries(timed) as T;
}

type Claims = Pick<Store, 'claimRemediations' | 'claimLeases'>;

/** Claims wait for the transaction that they share; a worker waits with them. */
export function timedClaims(timings: StoreTimings | undefined, claims: Claims): Claims {
  if (timings === undefined) return claims;
  async function timed<T>(work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      timings?.store('claim', (performance.now() - started) / 1_000);
    }
  }
  return {
    claimRemediations: (claim) => timed(() => claims.claimRemediations(claim)),
    claimLeases: (claim) => timed(() => claims.claimLeases(claim)),
  };
}
