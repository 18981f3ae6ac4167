import { z } from 'zod';
import { parseDuration } from './duration.ts';
import { didYouMean } from './suggest.ts';

/**
 * Values of the environment, each from its text. A message goes on from "NAME=value:" and says what to
 * write instead; it never repeats the value, which may be a secret.
 */
type Parser<T> = z.ZodType<T, string>;
type Read<T> = { readonly value: T } | { readonly wrong: string };

function parser<T>(read: (text: string) => Read<T>): Parser<T> {
  return z.string().transform((text, context): T => {
    const result = read(text);
    if ('value' in result) return result.value;
    context.addIssue({ code: 'custom', message: result.wrong });
    return z.NEVER;
  });
}

export function oneOf<const T extends string>(words: readonly T[]): Parser<T> {
  return parser((text) => {
    const value = words.find((word) => word === text);
    if (value !== undefined) return { value };
    const near = didYouMean(text, words);
    const all = near.startsWith('write') ? '' : `; write one of ${words.join(', ')}`;
    return { wrong: `is not known: ${near}${all}` };
  });
}

export const onOff: Parser<boolean> = parser((text) =>
  text === 'true' || text === 'false'
    ? { value: text === 'true' }
    : { wrong: 'write true or false' },
);

export function wholeNumber(min: number, max: number): Parser<number> {
  return parser((text) => {
    const value = Number(text);
    const fits = /^\d{1,15}$/.test(text) && value >= min && value <= max;
    return fits ? { value } : { wrong: `write a whole number from ${min} to ${max}` };
  });
}

/** 0 to 100, a fraction allowed. */
export const percent: Parser<number> = parser((text) => {
  const value = Number(text);
  const fits = /^\d{1,3}(\.\d{1,6})?$/.test(text) && value <= 100;
  return fits ? { value } : { wrong: 'write a percentage from 0 to 100 without a sign, e.g. 5' };
});

/** A Prometheus duration, in ms. */
export function durationUpTo(max_ms: number, max_text: string): Parser<number> {
  return parser((text) => {
    const value = parseDuration(text);
    if (value === undefined) return { wrong: 'is not a duration; write e.g. 90s, 15m or 1h30m' };
    if (value <= 0 || value > max_ms) return { wrong: `must be above 0 and at most ${max_text}` };
    return { value };
  });
}

/** `off` is null. */
export function durationOrOff(
  min_ms: number,
  max_ms: number,
  range: string,
): Parser<number | null> {
  return parser((text) => {
    if (text === 'off') return { value: null };
    const value = parseDuration(text);
    if (value !== undefined && value >= min_ms && value <= max_ms) return { value };
    return { wrong: `write off, or a duration from ${range}` };
  });
}

/** What to listen on: a name or an address, without scheme, port or brackets. */
export const listenHost: Parser<string> = parser((text) => {
  const name = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/;
  const ipv6 = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9]+)?$/;
  const with_port = /^[^:]*:\d+$/.test(text);
  if (!with_port && (name.test(text) || ipv6.test(text))) return { value: text };
  return {
    wrong:
      'is not a host; write a name or an address alone, e.g. 127.0.0.1, 0.0.0.0 or :: (the port goes into AUTOHEAL_PORT)',
  };
});

export interface DatabaseLocation {
  readonly kind: 'sqlite';
  readonly path: string;
}

export const databaseUrl: Parser<DatabaseLocation> = parser((text) => {
  if (/^postgres(ql)?:/i.test(text))
    return { wrong: 'PostgreSQL is not in this version; write sqlite:PATH' };
  if (!text.startsWith('sqlite:'))
    return { wrong: 'write sqlite:PATH, e.g. sqlite:./data/autoheal.db' };
  const path = text.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  if (path === '' || path.endsWith('/')) return { wrong: 'names no file; write sqlite:PATH' };
  if (path.startsWith('//'))
    return { wrong: 'write sqlite:PATH for a relative path, sqlite:/PATH for an absolute one' };
  if (path.startsWith(':memory:'))
    return { wrong: 'what was accepted must be on disk; write sqlite:PATH' };
  if (path.includes('?')) return { wrong: 'takes no options; write sqlite:PATH' };
  return { value: { kind: 'sqlite', path } };
});

export const httpUrl: Parser<string> = parser((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || !/^https?:\/\//i.test(text))
    return { wrong: 'is not an address; write e.g. http://prometheus:9090' };
  if (url.search !== '' || url.hash !== '')
    return { wrong: 'must end with its path; leave out what begins with ? or #' };
  return { value: text };
});

/** What Sentry shows under "Client Keys". The project's number ends the path. */
export const sentryDsn: Parser<string> = parser((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const is_dsn =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    /^\w+$/.test(url.username) &&
    /\/\d+$/.test(url.pathname) &&
    url.search + url.hash === '';
  if (is_dsn) return { value: text };
  return { wrong: 'is not a DSN of Sentry; write it like https://PUBLIC_KEY@sentry.example.com/1' };
});

/** Several addresses, separated by commas: the members of one cluster. */
export const httpUrls: Parser<readonly string[]> = parser((text) => {
  const urls = text.split(',').map((each) => each.trim());
  for (const [index, url] of urls.entries()) {
    const read = httpUrl.safeParse(url);
    // By its place, not by its text: that may hold a password.
    if (!read.success) return { wrong: `entry ${index + 1} ${read.error.issues[0]?.message}` };
  }
  return { value: [...new Set(urls)] };
});

export const dockerHost: Parser<string> = parser((text) => {
  if (/^(unix:\/\/\/|tcp:\/\/.|https?:\/\/.|\/.)/.test(text)) return { value: text };
  return {
    wrong:
      'is not spoken here; write unix:///var/run/docker.sock, tcp://host:2376 or http://host:2375',
  };
});

/** A path, or any text that somebody else reads. */
export const anyText: Parser<string> = parser((text) =>
  text.includes('\0') ? { wrong: 'has a NUL character' } : { value: text },
);

/* ---------------------------------------------------------------- secrets */

/** What a header can carry. Commas separate, so no token has one. */
const TOKEN = /^[!-+\--~]+$/;
const TOKENS_MAX = 100;
const TOKEN_CHARS_MAX = 1_024;

function tokenTexts(text: string): Read<readonly string[]> {
  const value = text.split(',').map((entry) => entry.trim());
  if (value.length > TOKENS_MAX) return { wrong: `has more than ${TOKENS_MAX} tokens` };
  const bad = value.findIndex((entry) => !TOKEN.test(entry) || entry.length > TOKEN_CHARS_MAX);
  if (bad < 0) return { value };
  if (value[bad] === '') return { wrong: `entry ${bad + 1} is empty; write TOKEN or TOKEN,TOKEN` };
  return {
    wrong: `entry ${bad + 1} is no token: 1 to ${TOKEN_CHARS_MAX} visible ASCII characters, several separated by commas`,
  };
}

export const webhookTokens: Parser<readonly string[]> = parser(tokenTexts);

/**
 * Headers as OpenTelemetry writes them: `name=value`, several separated by commas, values
 * percent-encoded where they have a comma.
 */
export const otlpHeaders: Parser<Readonly<Record<string, string>>> = parser((text) => {
  const headers: Record<string, string> = {};
  for (const [index, entry] of text.split(',').entries()) {
    const at = entry.indexOf('=');
    const name = entry.slice(0, Math.max(0, at)).trim().toLowerCase();
    const value = decoded(entry.slice(at + 1).trim());
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name) || value === undefined || !/^[ -~]+$/.test(value))
      return { wrong: `entry ${index + 1} is no header; write name=value,name=value` };
    headers[name] = value;
  }
  return { value: headers };
});

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export interface RoleToken<R extends string> {
  readonly role: R;
  readonly token: string;
}

/** `TOKEN` or `role:TOKEN`, separated by commas; without a role it is `unmarked`. */
export function roleTokens<const R extends string>(
  roles: readonly R[],
  unmarked: R,
): Parser<readonly RoleToken<R>[]> {
  return parser((text) => {
    const texts = tokenTexts(text);
    if ('wrong' in texts) return texts;
    const value: RoleToken<R>[] = [];
    for (const [index, entry] of texts.value.entries()) {
      const read = roleToken(entry, roles, unmarked);
      if ('wrong' in read) return { wrong: `entry ${index + 1}: ${read.wrong}` };
      if (value.some(({ token }) => token === read.value.token))
        return { wrong: `entry ${index + 1} repeats a token; each token has one role` };
      value.push(read.value);
    }
    return { value };
  });
}

function roleToken<R extends string>(
  entry: string,
  roles: readonly R[],
  unmarked: R,
): Read<RoleToken<R>> {
  const colon = entry.indexOf(':');
  if (colon < 0) return { value: { role: unmarked, token: entry } };
  const role = roles.find((word) => word === entry.slice(0, colon));
  const token = entry.slice(colon + 1);
  if (role === undefined)
    return { wrong: `what stands before ":" is no role; write one of ${roles.join(', ')}` };
  return token === '' ? { wrong: `no token stands behind "${role}:"` } : { value: { role, token } };
}

/** A key for HMAC-SHA-256; any text. */
export const auditKey: Parser<string> = parser((text) =>
  text.length <= 4_096 ? { value: text } : { wrong: 'is longer than 4096 characters' },
);
