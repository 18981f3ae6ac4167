/** `createdBy` of the silences that autoheal makes: by it they are told from those of people. */
export const SILENCE_AUTHOR = 'autoheal';

/**
 * What Alertmanager's API shows of one alert. `absent`: every Alertmanager answered and none shows it.
 * `unknown`: not all of them could be asked. Times in ms since the epoch.
 */
export interface Seen {
  readonly state: 'active' | 'suppressed' | 'absent' | 'unknown';
  /** Silences of others (autoheal's own never count), inhibiting alerts, mute intervals. */
  readonly silenced_by: readonly string[];
  readonly inhibited_by: readonly string[];
  readonly muted_by: readonly string[];
  /**
   * An Alertmanager that still runs has shown it, so that its absence means something: one that restarted is
   * empty until Prometheus has sent everything again, and another's alerts it never shows.
   */
  readonly witnessed: boolean;
  readonly as_of: number;
}
