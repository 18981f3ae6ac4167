import { setImmediate as nextTurn } from 'node:timers/promises';
import { AutohealError } from '../core/errors.ts';
import type { AuditRecord } from '../core/audit/audit.ts';
import type { AuditQuery } from '../store.ts';
import type { Limits } from './deps.ts';
import type { Answer, Call } from './route.ts';
import type { HeadWatch, Texts } from './streams.ts';
import { auditView } from './views.ts';

/** What a client waits before it connects again. */
const RETRY_MS = 2_000;

export type TailFilter = Omit<AuditQuery, 'order' | 'limit' | 'cursor' | 'until' | 'after'>;
interface Tail {
  readonly store: Pick<Call<object, undefined>['deps']['store'], 'audit'>;
  readonly watch: HeadWatch;
  readonly limits: Limits;
  readonly filter: TailFilter;
  /** The entry before the first one to send. */
  readonly after: number;
  /** The reader has gone, or we stop. */
  readonly over: AbortSignal;
}

/**
 * Server-sent events: `id` is the seq, so a client that comes back with `Last-Event-ID` misses nothing and
 * gets nothing twice. @param last what it has seen last; `filter.since` counts only without it.
 */
export async function tailAudit(
  { deps, streams, request_id }: Pick<Call<object, undefined>, 'deps' | 'streams' | 'request_id'>,
  filter: TailFilter,
  last: string | undefined,
): Promise<Answer> {
  const { store, limits } = deps;
  const { watch } = streams;
  const { since, ...always } = filter;
  const stream = await streams.open('tail', request_id, async (gone) => {
    const head = await watch.head();
    const seen = last === undefined ? undefined : seqOf(last, head);
    const over = AbortSignal.any([gone, streams.stopping]);
    const tail = { store, watch, limits, over };
    if (seen === undefined && since !== undefined) return events({ ...tail, filter, after: 0 });
    return events({ ...tail, filter: always, after: seen ?? head });
  });
  return {
    status: 200,
    stream,
    // A buffering proxy would hold the events back.
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' },
  };
}

/** @throws AutohealError `invalid_request`: not a number, or of another log than this one. */
function seqOf(last: string, head: number): number {
  const seq = /^\d{1,15}$/.test(last) ? Number(last) : undefined;
  if (seq !== undefined && seq <= head) return seq;
  const why = seq === undefined ? 'is not the id of an event' : `lies after the log's end, ${head}`;
  throw new AutohealError('invalid_request', `Last-Event-ID ${why}; leave it out to begin at now`, {
    parameter: 'last_event_id',
  });
}

async function* events(tail: Tail): Texts {
  const { watch, limits, over } = tail;
  let at = tail.after;
  // Who is cut off before the first entry comes back to this place; with `since` to where it began.
  yield tail.filter.since === undefined ? `${retry()}id: ${at}\n\n` : `${retry()}\n`;
  let beat_at = nextBeat(limits);
  while (!over.aborted) {
    const news = await newsAfter(tail, at);
    at = news.at;
    if (news.text !== '') {
      yield news.text;
      beat_at = nextBeat(limits);
    } else if (performance.now() >= beat_at) {
      // The id moves on past what the filter leaves out, so that coming back is cheap.
      yield `: heartbeat\nid: ${at}\n\n`;
      beat_at = nextBeat(limits);
    }
    if (news.more) await nextTurn();
    else await watch.grown(at, Math.max(0, beat_at - performance.now()), over);
  }
  yield `${retry()}\n`;
}

function retry(): string {
  return `retry: ${RETRY_MS}\n`;
}
function nextBeat(limits: Limits): number {
  return performance.now() + limits.tail_heartbeat_ms;
}

interface News {
  readonly text: string;
  /** Everything up to here has been looked at. */
  readonly at: number;
  readonly more: boolean;
}

async function newsAfter({ store, watch, limits, filter }: Tail, at: number): Promise<News> {
  // First the end, then the page: what is written in between is in the page or lies after the end.
  const head = await watch.head();
  if (head <= at) return { text: '', at, more: false };
  const limit = limits.tail_page_rows;
  const page = await store.audit({ ...filter, order: 'asc', after: at, limit });
  const last = page.items.at(-1)?.seq ?? at;
  const more = page.next_cursor !== null;
  return { text: page.items.map(eventOf).join(''), at: more ? last : Math.max(head, last), more };
}

function eventOf(entry: AuditRecord): string {
  return `id: ${entry.seq}\nevent: ${entry.kind}\ndata: ${JSON.stringify(auditView(entry))}\n\n`;
}
