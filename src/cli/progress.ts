/** A line on stderr that says how far something long has come. */
export interface Progress {
  /** So many of `total` are done; shown at most every {@link SHOWN_EVERY_MS} milliseconds. */
  update(done: number, note?: string): void;
  /** Takes the line away: what follows begins where it stood. */
  end(): void;
}
export interface ProgressOptions {
  /** Only a terminal gets anything: a log of a pipeline wants no line that is written over. */
  readonly stream: Pick<NodeJS.WriteStream, 'write'> & {
    readonly isTTY?: boolean;
    readonly columns?: number;
  };
  /** What is under way: `deliveries`. */
  readonly label: string;
  /** What `done` ends at. */
  readonly total: number;
  /** Milliseconds; a clock that never goes back. */
  readonly now?: () => number;
}

const SHOWN_EVERY_MS = 100;
/** A rate from less is luck. */
const RATE_AFTER_MS = 1_000;
/** Where the terminal does not say. */
const COLUMNS = 80;
const ERASE = '\r\u001B[2K';

export function createProgress({
  stream,
  label,
  total,
  now = monotonic,
}: ProgressOptions): Progress {
  const began_at = now();
  let shown_at = Number.NEGATIVE_INFINITY;
  let standing = false;
  return {
    update(done, note) {
      const at = now();
      if (stream.isTTY !== true || at - shown_at < SHOWN_EVERY_MS) return;
      shown_at = at;
      standing = true;
      const line = progressText({ label, done, total, elapsed_ms: at - began_at, note });
      // Never a second line: the next one could not take it away.
      stream.write(`${ERASE}${line.slice(0, Math.max(1, (stream.columns ?? COLUMNS) - 1))}`);
    },
    end() {
      if (standing) stream.write(ERASE);
      standing = false;
    },
  };
}

function monotonic(): number {
  return performance.now();
}

interface Standing {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly elapsed_ms: number;
  readonly note: string | undefined;
}

/** `deliveries: 42%  1,234 of 2,938  310/s  5s left`, as far as it is known. */
function progressText({ label, done, total, elapsed_ms, note }: Standing): string {
  const share = total > 0 ? Math.min(1, done / total) : 1;
  const known = elapsed_ms >= RATE_AFTER_MS && done > 0;
  const per_second = known ? done / (elapsed_ms / 1000) : 0;
  const parts = [
    `${label}: ${Math.floor(share * 100)}%`,
    `${counted(done)} of ${counted(total)}`,
    ...(known
      ? [`${rateText(per_second)}/s`, `${leftText((total - done) / per_second)} left`]
      : []),
    ...(note === undefined ? [] : [note]),
  ];
  return parts.join('  ');
}

function counted(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

function rateText(per_second: number): string {
  return per_second >= 10 ? counted(per_second) : per_second.toFixed(1);
}

/** The two largest units, as `1h 5m`. */
function leftText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const [hours, minutes, rest] = [
    Math.floor(whole / 3600),
    Math.floor(whole / 60) % 60,
    whole % 60,
  ];
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${rest}s` : `${rest}s`;
}
