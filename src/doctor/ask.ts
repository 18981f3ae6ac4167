import { readText } from '../adapters/http-body.ts';
import { messageOf, networkFailure } from '../adapters/net-errors.ts';

/** For each request, and so for each look at a backend. */
export const ASK_TIMEOUT_MS = 5_000;
const ANSWER_LIMIT_BYTES = 16 * 1024 * 1024;
/** A header `Date` has whole seconds: on average half of one is cut off. */
const DATE_CUT_MS = 500;

export type Asked =
  | {
      readonly ok: true;
      readonly status: number;
      /** Parsed where it is JSON, else the text. */
      readonly body: unknown;
      /** Its clock minus ours, ms; null without a header `Date`. */
      readonly clock_offset_ms: number | null;
    }
  | { readonly ok: false; readonly why: string };

/** GET, with user and password of the address sent as Basic. Never throws; bounded in time and size. */
export async function ask(base: string, path: string): Promise<Asked> {
  const url = new URL(base);
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  url.username = '';
  url.password = '';
  const [pathname = '', search = ''] = path.split('?');
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${pathname}`;
  url.search = search;
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  try {
    const sent_at = Date.now();
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
      headers: user === '' ? {} : { authorization: `Basic ${basic}` },
    });
    const middle = (sent_at + Date.now()) / 2;
    const body = await readText(response, ANSWER_LIMIT_BYTES);
    const date = Date.parse(response.headers.get('date') ?? '');
    return {
      ok: true,
      status: response.status,
      body: parsed(body),
      clock_offset_ms: Number.isNaN(date) ? null : Math.round(date + DATE_CUT_MS - middle),
    };
  } catch (error) {
    const failure = networkFailure(error, url.host);
    // fetch hides what happened in `cause`.
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return { ok: false, why: failure?.message ?? `${url.host}: ${messageOf(cause)}` };
  }
}

/** The address without user and password. */
export function shownUrl(base: string): string {
  const url = new URL(base);
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The value at `path` of something that came over the network; undefined where it is not there. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let inner = value;
  for (const key of path) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, key)) return undefined;
    inner = (inner as Record<string, unknown>)[key];
  }
  return inner;
}

/** The list at `path`; empty where there is none. */
export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The text at `path`; empty where there is none. */
export function textAt(value: unknown, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
}
