import type { LineDelivery } from './lines.ts';
import type { Filter, RecordedDelivery } from './filter.ts';
import type { Tally } from './tally.ts';

/** A rule set that takes deliveries in batches, here or in another thread. */
export interface Batches {
  /** Resolves when there is room for the next batch. */
  take(batch: readonly RecordedDelivery[]): Promise<void>;
  finish(): Promise<Tally>;
}

/** Of one batch: enough that handing it over costs little, little enough that memory does not grow. */
const BATCH_DELIVERIES = 500;
const BATCH_BYTES = 1024 * 1024;

/**
 * Plays a record to every lane: all of them see the same deliveries, without what none of them wants. `seen` is called
 * for each delivery of the record.
 */
export async function playAll(
  record: AsyncIterable<LineDelivery>,
  filter: Filter,
  lanes: readonly Batches[],
  seen: (delivery: RecordedDelivery) => void,
): Promise<readonly Tally[]> {
  let batch: RecordedDelivery[] = [];
  let bytes = 0;

  async function flush(): Promise<void> {
    const full = batch;
    batch = [];
    bytes = 0;
    await Promise.all(lanes.map((lane) => lane.take(full)));
  }

  for await (const delivery of record) {
    const { unusable } = filter.counts;
    const kept = filter.sift(delivery);
    if (filter.counts.unusable > unusable) delivery.check?.();
    seen(delivery);
    if (kept === undefined) continue;
    batch.push(kept);
    bytes += kept.body.byteLength;
    if (batch.length >= BATCH_DELIVERIES || bytes >= BATCH_BYTES) await flush();
  }
  if (batch.length > 0) await flush();
  return Promise.all(lanes.map((lane) => lane.finish()));
}
