import { z } from 'zod';
import { ActionError } from '../action.ts';
import { parseTimestamp } from '../core/alerts/timestamp.ts';
import type { ActiveAlert, AlertmanagerPeer } from '../ports.ts';
import { type AlertmanagerHttp, createAlertmanagerHttp } from './alertmanager-http.ts';

export interface AlertmanagersOptions {
  /** Base addresses, one of each Alertmanager of the pair or cluster; none: not configured. */
  readonly urls: readonly string[];
  /** Of each request. */
  readonly timeout_ms: number;
  readonly traceHeaders?: () => Readonly<Record<string, string>>;
}

/*
 * Alertmanager's API v2 as versions 0.25 to 0.34 answer: what is not used is not looked at, and `mutedBy` is
 * there from 0.28 on. What is used must be right: an answer half understood could look like an absent alert.
 */
const TEXTS = z.record(z.string(), z.string());
const IDS = z
  .array(z.string())
  .nullish()
  .transform((ids) => ids ?? []);
const ALERTS = z.array(
  z.object({
    fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
    labels: TEXTS,
    annotations: TEXTS.nullish(),
    startsAt: z.string().nullish(),
    updatedAt: z.string().nullish(),
    generatorURL: z.string().nullish(),
    status: z.object({
      state: z.enum(['unprocessed', 'active', 'suppressed']),
      silencedBy: IDS,
      inhibitedBy: IDS,
      mutedBy: IDS,
    }),
  }),
);
const STATUS = z.object({
  versionInfo: z.object({ version: z.string() }),
  /** When it started; the name is Alertmanager's. */
  uptime: z.string(),
});
const SILENCE = z.object({ createdBy: z.string() });

/** @throws ActionError `not_configured` when one of the addresses is none. */
export function createAlertmanagers(options: AlertmanagersOptions): readonly AlertmanagerPeer[] {
  const { urls, ...rest } = options;
  return urls.map((url) => createPeer(createAlertmanagerHttp({ ...rest, url })));
}

function createPeer(http: AlertmanagerHttp): AlertmanagerPeer {
  return {
    url: http.url,
    async status(signal) {
      const answer = await http.get('api/v2/status', new URLSearchParams(), signal);
      const status = checked(STATUS, answer, http.url);
      const started_at = parseTimestamp(status.uptime);
      if (started_at === null) throw strange(http.url, 'uptime is not a time');
      return { version: status.versionInfo.version, started_at };
    },
    async alerts(receivers, signal) {
      const answer = await http.get('api/v2/alerts', alertsQuery(receivers), signal);
      return checked(ALERTS, answer, http.url).map(toActiveAlert);
    },
    async silenceAuthor(id, signal) {
      const path = `api/v2/silence/${encodeURIComponent(id)}`;
      try {
        const answer = await http.get(path, new URLSearchParams(), signal);
        return checked(SILENCE, answer, http.url).createdBy;
      } catch (error) {
        if (error instanceof ActionError && error.code === 'not_found') return undefined;
        throw error;
      }
    },
  };
}

/** Alertmanager anchors the pattern itself, so a name never matches a longer one. */
function alertsQuery(receivers: readonly string[]): URLSearchParams {
  const query = new URLSearchParams({
    active: 'true',
    silenced: 'true',
    inhibited: 'true',
    unprocessed: 'true',
  });
  if (receivers.length > 0) query.set('receiver', receivers.map(quoted).join('|'));
  return query;
}

/** For RE2, like Go's QuoteMeta: it refuses a backslash before an ordinary letter, and needs none elsewhere. */
function quoted(name: string): string {
  return name.replaceAll(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

function toActiveAlert(alert: z.infer<typeof ALERTS>[number]): ActiveAlert {
  const { status } = alert;
  return {
    fingerprint: alert.fingerprint,
    labels: alert.labels,
    annotations: alert.annotations ?? {},
    starts_at: parseTimestamp(alert.startsAt),
    updated_at: parseTimestamp(alert.updatedAt),
    generator_url: alert.generatorURL ?? '',
    state: status.state,
    silenced_by: status.silencedBy,
    inhibited_by: status.inhibitedBy,
    muted_by: status.mutedBy,
  };
}

function checked<T>(schema: z.ZodType<T>, answer: unknown, url: string): T {
  const read = schema.safeParse(answer);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw strange(url, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

function strange(url: string, why: string): ActionError {
  return new ActionError(
    'rejected',
    `${url} does not answer as Alertmanager 0.25 to 0.34 do (${why.slice(0, 200)}); check AUTOHEAL_ALERTMANAGER_URL`,
    { retryable: false },
  );
}
