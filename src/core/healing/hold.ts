/** What of the world a hold is about. Null selects everything; all that are given must fit. */
export interface HoldSelector {
  readonly alertname: string | null;
  readonly fingerprint: string | null;
  readonly episode: string | null;
  readonly rule: string | null;
  /** A target's id or name; a parent's id holds its children as well. */
  readonly target: string | null;
}

/**
 * Healing of one alert, rule or target is stopped (DESIGN §2). `ack`: a person said that they look after
 * this episode. `quarantine`: autoheal itself saw that this rule does not heal this target.
 */
export interface Hold extends HoldSelector {
  readonly id: string;
  readonly kind: 'hold' | 'ack' | 'quarantine';
  readonly reason: string;
  readonly actor: string;
  /** Ms since the epoch. */
  readonly since: number;
  /** Null: until somebody ends it. */
  readonly until: number | null;
  readonly ended_at: number | null;
}

/** What a remediation is about, as far as it is known: targets come with the plan. */
export interface HoldSubject {
  readonly alertname: string;
  readonly fingerprint: string;
  readonly episode: string;
  readonly rule: string;
  readonly targets: readonly {
    readonly id: string;
    readonly name: string;
    readonly parents: readonly string[];
  }[];
}

/** Does it stand at `now`, ms since the epoch? */
export function holdStands(hold: Hold, now: number): boolean {
  return hold.ended_at === null && (hold.until === null || hold.until > now);
}

/** Does the hold stop this? A hold on a target cannot be told before the targets are known. */
export function holdCovers(hold: HoldSelector, subject: HoldSubject): boolean {
  const pairs = [
    [hold.alertname, subject.alertname],
    [hold.fingerprint, subject.fingerprint],
    [hold.episode, subject.episode],
    [hold.rule, subject.rule],
  ] as const;
  if (pairs.some(([wanted, found]) => wanted !== null && wanted !== found)) return false;
  const { target } = hold;
  if (target === null) return true;
  return subject.targets.some(
    ({ id, name, parents }) => id === target || name === target || parents.includes(target),
  );
}

/** A hold in words, for a guard's detail. */
export function describeHold(hold: Hold): string {
  const about = (['alertname', 'fingerprint', 'episode', 'rule', 'target'] as const)
    .filter((name) => hold[name] !== null)
    .map((name) => `${name} ${hold[name]}`)
    .join(', ');
  return `${hold.actor} holds ${about}: ${hold.reason}`;
}
