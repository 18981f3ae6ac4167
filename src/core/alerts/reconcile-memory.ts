import type { Labels } from '../json.ts';

/** An alert in an Alertmanager's answer. Times in ms since the epoch. */
export interface ShownAlert {
  readonly fingerprint: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly starts_at: number | null;
  readonly generator_url: string;
  /** By a silence that autoheal did not make, by another alert or by a mute interval. It fires all the same. */
  readonly suppressed: boolean;
}
/** What one Alertmanager said in one poll. */
export type PeerAnswer =
  | {
      readonly url: string;
      readonly ok: true;
      /** Of its process: a restart moves it. Ms since the epoch. */
      readonly started_at: number;
      readonly alerts: readonly ShownAlert[];
    }
  | { readonly url: string; readonly ok: false };

/** One round of questions to every Alertmanager and to Prometheus. */
export interface Poll {
  /** Before the first question went out, our clock. Ms since the epoch. */
  readonly began_at: number;
  /** The receivers that were asked for; another list makes other alerts absent. */
  readonly receivers: readonly string[];
  readonly peers: readonly PeerAnswer[];
  /** Firing alerts of Prometheus; undefined: none is configured; `failed`: it did not answer. */
  readonly prometheus: readonly { readonly labels: Labels }[] | 'failed' | undefined;
}

/** What earlier polls showed. A value: `remember` makes the next one. */
export interface Memory {
  readonly receivers: readonly string[];
  /** By address: the process that answered, and the alerts that this very process has shown. */
  readonly peers: ReadonlyMap<string, Witness>;
  /** By fingerprint: the first poll since which a witnessed alert is shown by nobody, and all answered. */
  readonly absent_since: ReadonlyMap<string, number>;
}
export interface Witness {
  readonly started_at: number;
  readonly seen: ReadonlySet<string>;
}

export const NO_MEMORY: Memory = { receivers: [], peers: new Map(), absent_since: new Map() };

/** Did everybody who was asked answer? What is not configured was not asked. */
export function isWhole(poll: Poll): boolean {
  return (
    poll.peers.length > 0 && poll.prometheus !== 'failed' && poll.peers.every((peer) => peer.ok)
  );
}

/** Every alert of the answers, by fingerprint, once for each peer that shows it. */
export function shownBy(poll: Poll): ReadonlyMap<string, readonly ShownAlert[]> {
  const shown = new Map<string, ShownAlert[]>();
  for (const peer of poll.peers) {
    if (!peer.ok) continue;
    for (const alert of peer.alerts) {
      const known = shown.get(alert.fingerprint);
      if (known === undefined) shown.set(alert.fingerprint, [alert]);
      else known.push(alert);
    }
  }
  return shown;
}

/** True when a process that still runs has shown the alert: only its silence means anything. */
export function isWitnessed(memory: Memory, fingerprint: string): boolean {
  for (const { seen } of memory.peers.values()) if (seen.has(fingerprint)) return true;
  return false;
}

/**
 * The memory after one more poll. An answer that is missing stops the clock of every absence: what happened
 * meanwhile is not known. So does a restart, and it takes back what the process before it had shown.
 */
export function remember(memory: Memory, poll: Poll): Memory {
  const same = sameList(memory.receivers, poll.receivers);
  const before: Memory = same ? memory : { ...NO_MEMORY, receivers: poll.receivers };
  const peers = new Map<string, Witness>();
  let unbroken = isWhole(poll);
  for (const answer of poll.peers) {
    const known = before.peers.get(answer.url);
    if (!answer.ok) {
      if (known !== undefined) peers.set(answer.url, known);
      continue;
    }
    const goes_on = known?.started_at === answer.started_at;
    if (known !== undefined && !goes_on) unbroken = false;
    peers.set(answer.url, witness(answer, goes_on ? known : undefined));
  }
  const next: Memory = { receivers: poll.receivers, peers, absent_since: new Map() };
  return unbroken ? { ...next, absent_since: absences(before, next, poll) } : next;
}

function witness(answer: PeerAnswer & { readonly ok: true }, known: Witness | undefined): Witness {
  const seen = new Set(known?.seen);
  for (const { fingerprint } of answer.alerts) seen.add(fingerprint);
  return { started_at: answer.started_at, seen };
}

function absences(before: Memory, now: Memory, poll: Poll): ReadonlyMap<string, number> {
  const shown = shownBy(poll);
  const absent = new Map<string, number>();
  for (const { seen } of now.peers.values())
    for (const fingerprint of seen)
      if (!shown.has(fingerprint))
        absent.set(fingerprint, before.absent_since.get(fingerprint) ?? poll.began_at);
  return absent;
}

/** Forgets alerts that are neither wanted nor shown now, so that the memory does not grow for ever. */
export function forget(memory: Memory, wanted: (fingerprint: string) => boolean): Memory {
  const peers = new Map<string, Witness>();
  for (const [url, { started_at, seen }] of memory.peers) {
    const kept = [...seen].filter((each) => !memory.absent_since.has(each) || wanted(each));
    peers.set(url, { started_at, seen: new Set(kept) });
  }
  const absent = [...memory.absent_since].filter(([each]) => wanted(each));
  return { ...memory, peers, absent_since: new Map(absent) };
}

/** The clock of these absences begins anew: somebody else says that they fire. */
export function notAbsent(memory: Memory, fingerprints: ReadonlySet<string>): Memory {
  if (fingerprints.size === 0) return memory;
  const absent = [...memory.absent_since].filter(([each]) => !fingerprints.has(each));
  return { ...memory, absent_since: new Map(absent) };
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, at) => each === b[at]);
}
