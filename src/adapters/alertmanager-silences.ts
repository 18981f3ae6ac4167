import { z } from 'zod';
import { ActionError, type NewSilence, type Silences } from '../action.ts';
import { SILENCE_AUTHOR } from '../core/alerts/seen.ts';
import type { Backend } from '../ports.ts';
import {
  type AlertmanagerHttp,
  type AlertmanagerHttpOptions,
  classifyAlertmanager,
  createAlertmanagerHttp,
} from './alertmanager-http.ts';

export const alertmanagerBackend: Backend = {
  name: 'alertmanager',
  classify: (error) => classifyAlertmanager(error),
};

const Created = z.object({ silenceID: z.string().min(1) });
/** `isEqual` came with Alertmanager 0.22; absent it means true. */
const Listed = z.array(
  z.object({
    id: z.string(),
    createdBy: z.string(),
    comment: z.string(),
    startsAt: z.string().default(''),
    endsAt: z.string(),
    status: z.object({ state: z.string() }),
    matchers: z.array(
      z.object({
        name: z.string(),
        value: z.string(),
        isRegex: z.boolean(),
        isEqual: z.boolean().default(true),
      }),
    ),
  }),
);

export interface SilencesOptions extends Omit<AlertmanagerHttpOptions, 'url'> {
  /** Base addresses of the Alertmanagers of one cluster; none: not configured. */
  readonly urls: readonly string[];
}

/** Silences through the API v2. The peers of a cluster share them, so the first that answers will do. */
export function createSilences(options: SilencesOptions): Silences {
  const all = createAllSilences(options);
  return {
    async ours(signal) {
      const listed = await all.list(signal);
      return listed
        .filter(({ created_by }) => created_by === SILENCE_AUTHOR)
        .map(({ id, comment, ends_at, matchers }) => ({ id, comment, ends_at, matchers }));
    },
    create: (silence, signal) => all.put({ ...silence, created_by: SILENCE_AUTHOR }, signal),
    expire: (id, signal) => all.expire(id, signal),
  };
}

/** One of anybody's. */
export interface AuthoredSilence extends NewSilence {
  readonly created_by: string;
}
export interface ListedSilence extends AuthoredSilence {
  readonly id: string;
  readonly state: string;
  /** As Alertmanager wrote it: RFC 3339; empty where it did not. */
  readonly starts_at: string;
}
/** Silences, whoever made them. All @throws ActionError, as those of `Silences`. */
interface AllSilences {
  /** Those that are active or pending. */
  list(signal: AbortSignal): Promise<readonly ListedSilence[]>;
  /**
   * Makes one that begins now or, with `id`, changes that one; what cannot be changed in place gets a new id.
   * `starts_at` has to be that of the one which is changed.
   * @returns its id.
   */
  put(
    silence: AuthoredSilence & { readonly id?: string; readonly starts_at?: string },
    signal: AbortSignal,
  ): Promise<string>;
  /** Ends it now; one that has ended already is fine. */
  expire(id: string, signal: AbortSignal): Promise<void>;
}

export function createAllSilences({ urls, ...rest }: SilencesOptions): AllSilences {
  function ask(signal: AbortSignal, call: (peer: AlertmanagerHttp) => Promise<unknown>) {
    const peers = urls.map((url) => createAlertmanagerHttp({ ...rest, url }));
    return askAny(peers, signal, call);
  }
  return {
    async list(signal) {
      const listed = read(
        Listed,
        await ask(signal, (peer) => peer.get('api/v2/silences', new URLSearchParams(), signal)),
      );
      return listed.filter(({ status }) => status.state !== 'expired').map(silenceOf);
    },
    async put({ id, matchers, starts_at, ends_at, created_by, comment }, signal) {
      const body = {
        ...(id !== undefined && { id }),
        matchers: matchers.map(({ name, value, is_regex, is_equal }) => ({
          name,
          value,
          isRegex: is_regex,
          isEqual: is_equal,
        })),
        // A start that has passed counts as now, on whatever clock Alertmanager has.
        startsAt: starts_at || new Date(0).toISOString(),
        endsAt: new Date(ends_at).toISOString(),
        createdBy: created_by,
        comment,
      };
      const created = await ask(signal, (peer) => peer.post('api/v2/silences', body, signal));
      return read(Created, created).silenceID;
    },
    async expire(id, signal) {
      try {
        await ask(signal, (peer) =>
          peer.delete(`api/v2/silence/${encodeURIComponent(id)}`, signal),
        );
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    },
  };
}

/**
 * One peer after the other until one answers.
 * @throws ActionError of the last that was away, or of the first that refused.
 */
async function askAny(
  peers: readonly AlertmanagerHttp[],
  signal: AbortSignal,
  call: (peer: AlertmanagerHttp) => Promise<unknown>,
): Promise<unknown> {
  let away = new ActionError(
    'not_configured',
    'Alertmanager is not configured: set AUTOHEAL_ALERTMANAGER_URL',
    { retryable: false },
  );
  for (const peer of peers) {
    try {
      return await call(peer);
    } catch (error) {
      if (!(error instanceof ActionError) || !isAway(error) || signal.aborted) throw error;
      away = error;
    }
  }
  throw away;
}

function isAway({ code }: ActionError): boolean {
  return code === 'unavailable' || code === 'timeout';
}

/** Version 0.25 and older answer 500 where newer ones answer 404. */
function isGone(error: unknown): boolean {
  if (!(error instanceof ActionError)) return false;
  return error.code === 'not_found' || /silence .*not found/i.test(error.message);
}

function silenceOf(listed: z.output<typeof Listed>[number]): ListedSilence {
  return {
    id: listed.id,
    created_by: listed.createdBy,
    state: listed.status.state,
    starts_at: listed.startsAt,
    comment: listed.comment,
    ends_at: Date.parse(listed.endsAt),
    matchers: listed.matchers.map(({ name, value, isRegex, isEqual }) => ({
      name,
      value,
      is_regex: isRegex,
      is_equal: isEqual,
    })),
  };
}

function read<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new ActionError(
    'rejected',
    "the answer is not that of Alertmanager's API v2; check AUTOHEAL_ALERTMANAGER_URL",
    { retryable: false },
  );
}
