import type { Clock, Log, Tracer } from '../ports.ts';
import { createSparing } from './sparing.ts';

/** Something that goes round: at once when poked, else when it said it wants to. */
export interface Loop {
  start(): void;
  /** There is work: go round now. Pokes that come while a round runs cause one more round. */
  poke(): void;
  /** No further round; resolves when the one under way has ended. */
  stop(): Promise<void>;
  /** When a round last ended well. Ms since the epoch; 0 before the first. */
  lastRoundAt(): number;
  /** When a round last ended, well or not: a loop whose store is away is not one that hangs. */
  lastTurnAt(): number;
}

interface LoopOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent: nobody else is told of a round that failed. */
  readonly tracer?: Pick<Tracer, 'fault'>;
  /** One round. @returns when to come round again without a poke, ms since the epoch. */
  readonly round: () => Promise<number>;
}

/** Rounds are never further apart than this, so that a lost poke costs a second, not a remediation. */
const IDLE_MAX_MS = 1_000;
/** After a failed round: the store may be away; hammering it would not bring it back. */
const FAILED_PAUSE_MS = 500;

/** Made once: an abort without a reason makes an exception with a stack, 8 us that each delivery would pay. */
const POKED = new Error('poked');

export function createLoop({ name, clock, log, tracer, round }: LoopOptions): Loop {
  let stopped = false;
  let poked = false;
  let last_round_at = 0;
  let last_turn_at = 0;
  const sparing = createSparing(clock);
  let nap: AbortController | undefined;
  let running: Promise<void> | undefined;

  /** @returns when to come round again, ms since the epoch. */
  async function once(): Promise<number> {
    try {
      const again_at = await round();
      last_round_at = clock.now();
      return again_at;
    } catch (error) {
      const left_out = sparing(String(error));
      if (left_out !== undefined) {
        log.error({ err: error, loop: name, left_out }, 'a round of the loop failed');
        tracer?.fault(error, { where: 'loop' });
      }
      return clock.now() + FAILED_PAUSE_MS;
    } finally {
      last_turn_at = clock.now();
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      poked = false;
      const again_at = await once();
      // A round may be made of answers that are there at once. Without this turn of the event loop, rounds
      // that follow each other would keep the very work they wait for from going on.
      await new Promise((resolve) => setImmediate(resolve));
      if (stopped) return;
      if (poked) continue;
      nap = new AbortController();
      // An aborted nap is a poke or the end; both are read from their flags.
      await sleepUntil(again_at, nap.signal).catch(() => undefined);
      nap = undefined;
    }
  }

  function sleepUntil(at: number, signal: AbortSignal): Promise<void> {
    if (clock.nap !== undefined) return clock.nap(name, at, signal);
    return clock.sleep(Math.max(0, Math.min(IDLE_MAX_MS, at - clock.now())), signal);
  }

  function wake(): void {
    nap?.abort(POKED);
    nap = undefined;
  }

  return {
    start() {
      running ??= run();
    },
    poke() {
      poked = true;
      wake();
    },
    async stop() {
      stopped = true;
      wake();
      await running;
    },
    lastRoundAt: () => last_round_at,
    lastTurnAt: () => last_turn_at,
  };
}
