import type { Episode } from '../core/alerts/episode.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import type { Clock } from '../ports.ts';
import type { Change } from '../store.ts';

/**
 * Remediations that are claimed for this process by the commit that creates them: a commit and a query less
 * than creating and claiming. Once the commit is settled, call `begin` or `giveBack`, one of them, once.
 */
export interface Handover {
  /** The changes to commit instead. */
  readonly changes: readonly Change[];
  /** They are on disk: work on them. */
  begin(): void;
  /** They are not on disk: the places are free again. */
  giveBack(): void;
}

export interface Handovers {
  /** Claims the remediations that `changes` create, the most urgent first, as far as there are free places. */
  claimNew(changes: readonly Change[]): Handover;
  /** Places kept for hand-overs whose commit is under way. */
  kept(): number;
  /** Hand-overs under way; each resolves when it began or gave its places back. */
  underWay(): readonly Promise<void>[];
}

interface Parts {
  readonly clock: Clock;
  /** Names this process in claims. */
  readonly worker_id: string;
  readonly claim_ms: number;
  readonly hasPlace: () => boolean;
  /** `episode`: as the same commit wrote it. */
  readonly begin: (remediation: Remediation, episode: Episode | undefined) => void;
  /** A place is free again. */
  readonly freed: () => void;
}

export function createHandovers(parts: Parts): Handovers {
  const under_way = new Set<Promise<void>>();
  let kept = 0;

  /** What is due now as claimed, by its id, while there are places. */
  function claimed(changes: readonly Change[], now: number): ReadonlyMap<string, Remediation> {
    const rows = new Map<string, Remediation>();
    for (const row of dueOf(changes, now)) {
      if (!parts.hasPlace()) break;
      kept += 1;
      rows.set(row.id, {
        ...row,
        fence: row.fence + 1,
        claimed_by: parts.worker_id,
        claim_until: now + parts.claim_ms,
      });
    }
    return rows;
  }

  return {
    kept: () => kept,
    underWay: () => [...under_way],
    claimNew(changes) {
      const now = parts.clock.now();
      const rows = claimed(changes, now);
      if (rows.size === 0) return { changes, begin() {}, giveBack() {} };
      const settled = Promise.withResolvers<void>();
      under_way.add(settled.promise);
      function settle(): void {
        kept -= rows.size;
        under_way.delete(settled.promise);
        settled.resolve();
      }
      return {
        changes: changes.map((change) => markedIn(rows, change)),
        begin() {
          for (const row of rows.values()) parts.begin(row, episodeIn(changes, row.episode_id));
          settle();
        },
        giveBack() {
          settle();
          parts.freed();
        },
      };
    },
  };
}

/** New remediations that are due: with fewer places than these, the most urgent get them. */
function dueOf(changes: readonly Change[], now: number): readonly Remediation[] {
  const due = changes.flatMap((change) =>
    change.kind === 'remediation_add' && change.remediation.next_at <= now
      ? [change.remediation]
      : [],
  );
  return due.length > 1 ? due.toSorted((a, b) => b.priority - a.priority) : due;
}

function markedIn(rows: ReadonlyMap<string, Remediation>, change: Change): Change {
  if (change.kind !== 'remediation_add') return change;
  const row = rows.get(change.remediation.id);
  return row === undefined ? change : { kind: 'remediation_add', remediation: row };
}

function episodeIn(changes: readonly Change[], id: string): Episode | undefined {
  const put = changes.findLast(
    (change) => change.kind === 'episode_put' && change.episode.id === id,
  );
  return put?.kind === 'episode_put' ? put.episode : undefined;
}
