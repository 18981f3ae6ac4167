import { oneLine, plain } from './plain.ts';

/** Talking to a running autoheal from the command line. */

export const DEFAULT_URL = 'http://127.0.0.1:9009';
const TIMEOUT_MS = 10_000;
const ROLE = /^(?:viewer|operator|admin):/;

/** How a command ends. */
const REFUSED = 1;
export const WRONG_USAGE = 2;

/** The service refused or cannot be reached: ends the process with 1, after a line on stderr. */
export function fail(command: string, message: string): never {
  return end(command, message, REFUSED);
}

/** What was typed cannot be meant: ends the process with 2, after a line on stderr. */
export function misuse(command: string, message: string): never {
  return end(command, message, WRONG_USAGE);
}

function end(command: string, message: string, code: number): never {
  process.stderr.write(plain(`autoheal ${command}: ${message}\n`));
  process.exit(code);
}

/** What was thrown, in words; fetch hides what happened in `cause`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || String(error.cause) : error.message;
}

/** The token that was given, else the first of AUTOHEAL_API_TOKEN, without its role; undefined: none. */
export function apiToken(given: string | undefined): string | undefined {
  const first = given ?? process.env['AUTOHEAL_API_TOKEN']?.split(',')[0]?.trim();
  return first === undefined || first === '' ? undefined : first.replace(ROLE, '');
}

/** One request. Redirects are not followed. Ends the process when nobody answers. */
export async function call(
  command: string,
  url: URL,
  request: Pick<RequestInit, 'method' | 'body'> & {
    readonly headers?: Readonly<Record<string, string>>;
    readonly token: string | undefined;
    readonly timeout_ms?: number;
  },
): Promise<{ readonly status: number; readonly text: string }> {
  const { token, headers, timeout_ms = TIMEOUT_MS, ...rest } = request;
  try {
    const answer = await fetch(url, {
      ...rest,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeout_ms),
      headers: {
        ...headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    return fail(
      command,
      `${url.origin}: ${reasonOf(error)}. Is autoheal running? Start it with: npm start`,
    );
  }
}

/** An option's address with this path. Ends the process when it is none. */
export function addressOf(command: string, base: string, path: string): URL {
  if (!URL.canParse(base) || !/^https?:$/.test(new URL(base).protocol))
    return misuse(command, `--url: ${base} is no address: write http://HOST:PORT`);
  return new URL(path, base);
}

/** A problem document's sentence, else the beginning of the text. */
export function detailOf(text: string): string {
  try {
    const { detail, title } = JSON.parse(text) as { detail?: unknown; title?: unknown };
    if (typeof detail === 'string') return oneLine(detail);
    if (typeof title === 'string') return oneLine(title);
  } catch {
    // Not a problem document: something between us and autoheal answered.
  }
  return oneLine(text.slice(0, SAID_CHARS));
}
const SAID_CHARS = 300;
