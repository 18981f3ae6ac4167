import { until } from '../real/until.ts';

export interface SseEvent {
  readonly id: string;
  readonly event: string;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly data: any;
}
/** A client of server-sent events that keeps what it was sent. */
export interface SseClient {
  readonly status: number;
  readonly headers: Headers;
  readonly events: readonly SseEvent[];
  readonly comments: readonly string[];
  /** What the server asked for last, ms. */
  retry(): number | undefined;
  /** What a browser would send as Last-Event-ID. */
  lastId(): string;
  has(count: number): Promise<void>;
  /** `whole`: the server ended it · `cut`: the connection broke. */
  readonly ended: Promise<'whole' | 'cut'>;
  close(): Promise<void>;
}

const SOON = { timeout_ms: 10_000, every_ms: 5 };

export async function openSse(
  url: string,
  headers: Record<string, string> = {},
): Promise<SseClient> {
  const stop = new AbortController();
  const response = await fetch(url, { headers, signal: stop.signal });
  const events: SseEvent[] = [];
  const comments: string[] = [];
  let last = '';
  let retry: number | undefined;
  const ended = readBlocks(response, take);
  return {
    status: response.status,
    headers: response.headers,
    events,
    comments,
    retry: () => retry,
    lastId: () => last,
    ended,
    async has(count) {
      await until(`${count} events`, () => events.length >= count, SOON);
    },
    async close() {
      stop.abort();
      await ended;
    },
  };

  /** The standard's way: fields by line, an event only where there is data. */
  function take(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      if (line.startsWith(':')) comments.push(line.slice(1).trim());
      else fields.set(line.split(':', 1)[0] ?? '', line.slice(line.indexOf(':') + 1).trim());
    }
    last = fields.get('id') ?? last;
    if (fields.has('retry')) retry = Number(fields.get('retry'));
    const data = fields.get('data');
    if (data === undefined) return;
    events.push({ id: last, event: fields.get('event') ?? 'message', data: JSON.parse(data) });
  }
}

async function readBlocks(
  response: Response,
  take: (block: string) => void,
): Promise<'whole' | 'cut'> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) take(block);
    }
    return 'whole';
  } catch {
    return 'cut';
  }
}
