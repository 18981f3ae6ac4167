import { setImmediate as nextTurn } from 'node:timers/promises';
import { isoTime } from '../core/time.ts';
import type { Delivery, RecordedQuery } from '../store.ts';
import { MEDIA_TYPES } from './audit-export.ts';
import type { Answer, Call } from './route.ts';
import type { Texts } from './streams.ts';

/**
 * Every recorded delivery that fits, whole, oldest first, at the reader's pace. It ends where the record ended
 * when it began, so that it does end while others arrive. `total` bounds the lines.
 */
export async function exportDeliveries(
  { deps, streams, request_id }: Pick<Call<object, undefined>, 'deps' | 'streams' | 'request_id'>,
  range: Pick<RecordedQuery, 'since' | 'until'>,
  total: number,
): Promise<Answer> {
  const { store, limits, clock } = deps;
  const stream = await streams.open('export', request_id, async (gone) => {
    const newest = await store.listDeliveries({ limit: 1 });
    return lines(newest.items[0]?.seq ?? 0, gone);
  });
  const stamp = isoTime(clock.now()).replaceAll(/[-:]|\.\d+/g, '');
  return {
    status: 200,
    stream,
    headers: {
      'content-type': `${MEDIA_TYPES.ndjson}; charset=utf-8`,
      'content-disposition': `attachment; filename="autoheal-deliveries-${stamp}.ndjson"`,
      vary: 'accept',
    },
  };

  async function* lines(end: number, gone: AbortSignal): Texts {
    let left = total;
    for (let after: number | null = 0; after !== null && after < end && left > 0; ) {
      const limit = Math.min(limits.export_page_rows, end - after);
      const { deliveries, next } = await store.recorded({ ...range, after, limit });
      const page = deliveries.filter(({ seq }) => seq <= end).slice(0, left);
      left -= page.length;
      // One body may be 16 MiB: each is a text of its own, so that what waits for a slow reader is one of them.
      for (const delivery of page) {
        gone.throwIfAborted();
        yield lineOf(delivery);
      }
      after = next;
      // Others get their turn, also when this reader is faster than the store.
      await nextTurn();
      gone.throwIfAborted();
    }
  }
}

/** As it came: JSON as it stands, whatever else as base64, so that nothing of it is lost. */
function lineOf({ id, received_at, source, body }: Delivery): string {
  const head = JSON.stringify({ id, received_at: isoTime(received_at), source }).slice(0, -1);
  const json = jsonOf(body);
  return json === undefined
    ? `${head},"body_base64":"${Buffer.from(body).toString('base64')}"}\n`
    : `${head},"body":${json}}\n`;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** The text, where it is JSON. Not written anew: a number may have more digits than we can hold. */
function jsonOf(body: Uint8Array): string | undefined {
  try {
    const text = UTF8.decode(body);
    JSON.parse(text);
    // A line break stands between the tokens only: within a string it would be escaped.
    return text.replaceAll(/[\r\n]+/g, ' ').trim();
  } catch {
    return undefined;
  }
}
