import { type Answer, type Seen, serve } from './http.ts';

/** One error as Sentry takes it. */
export interface SentryEvent {
  readonly event_id: string;
  readonly level: string;
  readonly release: string;
  readonly environment: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly exception: {
    readonly values: readonly {
      readonly type: string;
      readonly value: string;
      readonly stacktrace: { readonly frames: readonly { readonly filename: string }[] };
    }[];
  };
}

/** Sentry's envelope endpoint of one project, over a real socket. What does not fit the protocol is 400. */
export interface FakeSentry {
  readonly dsn: string;
  readonly posts: readonly Seen[];
  readonly events: readonly SentryEvent[];
  /** What was wrong with posts that got 400. */
  readonly refused: readonly string[];
  /** From now on every good post is answered so. */
  answer(answer: Answer): void;
  close(): Promise<void>;
}

const KEY = '0123456789abcdef0123456789abcdef';
const PROJECT = '42';

export async function startSentry(): Promise<FakeSentry> {
  let now: Answer | undefined;
  const events: SentryEvent[] = [];
  const refused: string[] = [];
  const server = await serve((seen) => {
    try {
      const event = readEnvelope(seen);
      if (now !== undefined) return now;
      events.push(event);
      return { status: 200, body: { id: event.event_id } };
    } catch (error) {
      refused.push(String(error));
      return { status: 400, body: { detail: String(error) } };
    }
  });
  return {
    dsn: `http://${KEY}@127.0.0.1:${server.port}/${PROJECT}`,
    posts: server.requests,
    events,
    refused,
    answer(answer) {
      now = answer;
    },
    close: () => server.close(),
  };
}

/** https://develop.sentry.dev/sdk/data-model/envelopes/ */
function readEnvelope(seen: Seen): SentryEvent {
  checkRequest(seen);
  const lines = seen.body.split('\n');
  const [envelope = {}, item = {}, payload = {}] = lines.map(parse);
  demand(lines.length === 3 || (lines.length === 4 && lines[3] === ''), `${lines.length} lines`);
  demand(item['type'] === 'event', `an item of type ${String(item['type'])}`);
  const length = item['length'] ?? Buffer.byteLength(lines[2] ?? '');
  demand(length === Buffer.byteLength(lines[2] ?? ''), 'the length of the item is wrong');
  demand(/^[0-9a-f]{32}$/.test(String(payload['event_id'])), 'event_id is no UUID');
  demand(payload['event_id'] === envelope['event_id'], 'two event_ids');
  const exception = payload['exception'] as { readonly values?: unknown } | undefined;
  demand(Array.isArray(exception?.values), 'no exception');
  return payload as unknown as SentryEvent;
}

function checkRequest({ method, path, query, headers, body }: Seen): void {
  demand(method === 'POST', `${method} is no POST`);
  demand(path === `/api/${PROJECT}/envelope/`, `${path} is not the path of the project`);
  demand(query.get('sentry_key') === KEY, 'sentry_key is not the key of the project');
  demand(query.get('sentry_version') === '7', 'sentry_version is not 7');
  demand(Number(headers['content-length']) === Buffer.byteLength(body), 'Content-Length is wrong');
}

function parse(line: string): Readonly<Record<string, unknown>> {
  return line === '' ? {} : (JSON.parse(line) as Readonly<Record<string, unknown>>);
}

function demand(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
