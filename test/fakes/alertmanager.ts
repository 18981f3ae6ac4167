import { randomUUID } from 'node:crypto';
import { type Answer, type Seen, serve } from './http.ts';

export interface FakeAlert {
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Receivers that its route leads to. */
  readonly receivers?: readonly string[];
  /** Ms since the epoch. */
  readonly starts_at?: number;
  readonly state?: 'unprocessed' | 'active' | 'suppressed';
  readonly silenced_by?: readonly string[];
  readonly inhibited_by?: readonly string[];
  /** Undefined: a version before 0.28, which does not know the field. */
  readonly muted_by?: readonly string[];
}
export interface FakeAlertmanager {
  readonly url: string;
  readonly requests: readonly Seen[];
  /** The alerts it shows from now on. */
  show(...alerts: readonly FakeAlert[]): void;
  /** @returns the id of a silence that somebody made. */
  silence(created_by: string): string;
  /** It starts anew, empty. Ms since the epoch. */
  restart(at: number): void;
  /** Requests are answered so from now on; undefined: as they should be. */
  answer(answer: Answer | undefined): void;
  /** Requests are read and answered only when the gate opens. */
  hold(): { readonly open: () => void };
  /** Requests of a path so far. */
  count(path: string): number;
  close(): Promise<void>;
}

interface Options {
  readonly started_at: number;
  /** Path prefix of its `--web.route-prefix`. */
  readonly prefix?: string;
  /** `user:password`, for a proxy that asks for it. */
  readonly basic?: string;
}

/** Alertmanager's API v2 as far as it is read; what the real one refuses is refused. */
export async function startAlertmanager(options: Options): Promise<FakeAlertmanager> {
  let alerts: readonly FakeAlert[] = [];
  let started_at = options.started_at;
  let instead: Answer | undefined;
  let gate: Promise<void> = Promise.resolve();
  const silences = new Map<string, string>();
  const prefix = options.prefix ?? '';

  function reply(seen: Seen): Answer {
    if (instead !== undefined) return instead;
    if (options.basic !== undefined && seen.headers.authorization !== basic(options.basic))
      return { status: 401, body: 'Unauthorized\n', headers: { 'content-type': 'text/plain' } };
    if (!seen.path.startsWith(`${prefix}/api/v2/`)) return { status: 404, body: 'Not Found' };
    if (seen.method !== 'GET') return { status: 405, body: { code: 405, message: 'method' } };
    const path = seen.path.slice(prefix.length + '/api/v2/'.length);
    if (path === 'status') return { status: 200, body: statusBody(started_at) };
    if (path === 'alerts') return alertsReply(alerts, seen.query);
    const [, id] = /^silence\/(.+)$/.exec(path) ?? [];
    return id === undefined ? { status: 404, body: '' } : silenceReply(silences, id);
  }

  const server = await serve(async (seen) => {
    await gate;
    return reply(seen);
  });
  return {
    url: `http://127.0.0.1:${server.port}${prefix}`,
    requests: server.requests,
    show(...next) {
      alerts = next;
    },
    silence(created_by) {
      const id = randomUUID();
      silences.set(id, created_by);
      return id;
    },
    restart(at) {
      started_at = at;
      alerts = [];
    },
    answer(answer) {
      instead = answer;
    },
    hold() {
      let open = () => {};
      gate = new Promise((resolve) => {
        open = resolve;
      });
      return { open: () => open() };
    },
    count: (path) => server.requests.filter((seen) => seen.path.endsWith(path)).length,
    close: () => server.close(),
  };
}

function basic(text: string): string {
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

function statusBody(started_at: number): object {
  return {
    cluster: { status: 'disabled', peers: [] },
    config: { original: 'route: {receiver: autoheal}' },
    uptime: new Date(started_at).toISOString(),
    versionInfo: { version: '0.25.0', branch: 'HEAD', buildDate: '', goVersion: '', revision: '' },
  };
}

const FLAGS = ['active', 'silenced', 'inhibited', 'unprocessed'] as const;

function alertsReply(alerts: readonly FakeAlert[], query: URLSearchParams): Answer {
  for (const name of FLAGS)
    if (!/^(true|false)$/.test(query.get(name) ?? 'true'))
      return {
        status: 422,
        body: { code: 601, message: `${name} in query must be of type boolean` },
      };
  const pattern = query.get('receiver');
  let receiver: RegExp;
  try {
    receiver = new RegExp(`^(?:${pattern ?? '.*'})$`);
  } catch (error) {
    return {
      status: 400,
      body: JSON.stringify(`failed to parse receiver param: ${String(error)}`),
    };
  }
  const wanted = alerts.filter((alert) =>
    (alert.receivers ?? ['autoheal']).some((name) => receiver.test(name)),
  );
  return { status: 200, body: wanted.map(alertBody) };
}

function alertBody(alert: FakeAlert): object {
  const { silenced_by = [], inhibited_by = [], muted_by } = alert;
  const suppressed = silenced_by.length + inhibited_by.length > 0;
  return {
    annotations: { summary: 's' },
    endsAt: new Date(Date.now() + 240_000).toISOString(),
    fingerprint: alert.fingerprint,
    receivers: (alert.receivers ?? ['autoheal']).map((name) => ({ name })),
    startsAt: new Date(alert.starts_at ?? 1_772_452_800_000).toISOString(),
    status: {
      inhibitedBy: inhibited_by,
      silencedBy: silenced_by,
      state: alert.state ?? (suppressed ? 'suppressed' : 'active'),
      ...(muted_by === undefined ? {} : { mutedBy: muted_by }),
    },
    updatedAt: '2026-03-02T12:00:00.123456789Z',
    generatorURL: 'http://prometheus:9090/graph',
    labels: alert.labels,
  };
}

function silenceReply(silences: ReadonlyMap<string, string>, id: string): Answer {
  if (!/^[0-9a-f-]{36}$/.test(id))
    return { status: 422, body: { code: 601, message: 'silenceID in path must be of type uuid' } };
  const createdBy = silences.get(id);
  // The real one answers 404 without a body.
  if (createdBy === undefined) return { status: 404, body: '' };
  return {
    status: 200,
    body: { id, createdBy, comment: 'c', status: { state: 'active' }, matchers: [] },
  };
}
