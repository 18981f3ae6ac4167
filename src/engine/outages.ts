import type { Clock, Log } from '../ports.ts';

/** One failed question may be chance. Two in a row, or this long without an answer, is not. In ms. */
export const BLIND_AFTER_MS = 30_000;
export const BLIND_AFTER_FAILURES = 2;

interface Outage {
  readonly since: number;
  readonly why: string;
  readonly failures: number;
}
interface Outages {
  answered(who: string): void;
  failed(who: string, error: unknown): void;
  /** Who has not answered for too long, also in words. `now` in ms since the epoch. */
  blind(now: number): readonly { readonly who: string; readonly words: string }[];
}

/** Who was asked and did not answer; logged when it begins and when it ends. */
export function createOutages({
  clock,
  log,
}: {
  readonly clock: Clock;
  readonly log: Log;
}): Outages {
  const outages = new Map<string, Outage>();
  return {
    answered(who) {
      const outage = outages.get(who);
      if (outage === undefined) return;
      outages.delete(who);
      log.info({ who, after_ms: clock.now() - outage.since }, 'what is watched answers again');
    },
    failed(who, error) {
      const why = error instanceof Error ? error.message : String(error);
      const known = outages.get(who);
      const { since, failures } = known ?? { since: clock.now(), failures: 0 };
      outages.set(who, { since, why, failures: failures + 1 });
      if (known === undefined) log.warn({ who, why }, 'what is watched does not answer');
    },
    blind(now) {
      return [...outages]
        .filter(([, outage]) => isLong(outage, now))
        .map(([who, { why, since }]) => ({
          who,
          words: `${who} has not answered for ${seconds(now - since)}: ${why}`,
        }));
    },
  };
}

function isLong({ failures, since }: Outage, now: number): boolean {
  return failures >= BLIND_AFTER_FAILURES || now - since > BLIND_AFTER_MS;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
