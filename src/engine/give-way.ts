import type { Clock } from '../ports.ts';

/** Posts a second from which intake goes first: what gets no 202 in time is sent again, and the storm grows. */
export const BUSY_POSTS_PER_S = 2_000;
/** A rate is taken over at least this long, so that a handful of posts at one instant is no storm. */
export const RATE_WINDOW_MS = 50;
/** While posts pour in, the drain waits until the oldest of them is this old: no decision comes later for it. */
export const GIVE_WAY_MAX_MS = 100;
/** How soon a wait sees that the storm, or the process, is at its end. */
const GIVE_WAY_STEP_MS = 10;

/** Lets intake go before the drain, which share a core, for a bounded time. */
export interface GiveWay {
  /** A delivery was accepted. */
  posted(): void;
  /** Do posts pour in? By the rate of the last whole window. */
  busy(): boolean;
  /**
   * Waits while posts pour in, until the oldest delivery is GIVE_WAY_MAX_MS old; never longer than that
   * in all, whatever the clock does. `oldest_at`: ms since the epoch.
   */
  wait(oldest_at: number): Promise<void>;
  /** Ends a wait now; there is none after it. */
  stop(): void;
}

export function createGiveWay(clock: Clock): GiveWay {
  const stopping = new AbortController();
  let posts = 0;
  let window_from = clock.now();
  let busy_now = false;

  function busy(): boolean {
    const span_ms = clock.now() - window_from;
    // A clock that went back tells nothing: the window begins again.
    if (span_ms < RATE_WINDOW_MS && span_ms >= 0) return busy_now;
    busy_now = span_ms > 0 && posts * 1_000 > BUSY_POSTS_PER_S * span_ms;
    posts = 0;
    window_from += span_ms;
    return busy_now;
  }

  async function wait(oldest_at: number): Promise<void> {
    let left_ms = GIVE_WAY_MAX_MS;
    while (busy() && !stopping.signal.aborted) {
      left_ms = Math.min(left_ms, oldest_at + GIVE_WAY_MAX_MS - clock.now());
      if (left_ms <= 0) return;
      const step_ms = Math.min(GIVE_WAY_STEP_MS, left_ms);
      await clock.sleep(step_ms, stopping.signal).catch(() => undefined);
      left_ms -= step_ms;
    }
  }

  return {
    posted: () => {
      posts += 1;
    },
    busy,
    wait,
    stop: () => stopping.abort(),
  };
}
