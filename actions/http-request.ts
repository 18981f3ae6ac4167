import { z } from 'zod';
import { ActionError, type ActionContext, defineAction } from '../src/action.ts';
import { type HttpAnswer, sendHttp } from '../src/adapters/http-send.ts';
import type { Target } from '../src/core/healing/remediation.ts';
import { durationMs, durationText, plainText } from '../src/core/rules/param-parts.ts';
import { issueOf } from '../src/core/rules/schema-parts.ts';

const URL_CHARS_MAX = 2_000;
const HEADER_CHARS_MAX = 2_000;
const HEADERS_MAX = 30;
const BODY_CHARS_MAX = 64 * 1_024;
const SAID_CHARS = 300;
const TIMEOUT_MIN_MS = 100;
const TIMEOUT_MAX_MS = 60_000;
/** A request that comes twice does what it does once: RFC 9110, section 9.2.2. */
const IDEMPOTENT = new Set(['GET', 'PUT', 'DELETE']);

const params = z
  .strictObject({
    url: plainText(URL_CHARS_MAX).describe(
      'http or https; its origin is under `hosts` in the policy. No user, no fragment, no `..`.',
    ),
    method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).describe('A GET has no body.'),
    body: z
      .union([z.string(), z.record(z.string(), z.json()), z.array(z.json())])
      .optional()
      .describe('A map or a list, sent as JSON, or a text; at most 64 KiB.'),
    headers: z
      .record(z.string(), plainText(HEADER_CHARS_MAX))
      .superRefine((headers, ctx) => {
        const names = Object.keys(headers);
        if (names.length > HEADERS_MAX)
          ctx.addIssue(issueOf(`has more than ${HEADERS_MAX} headers`, 'send fewer'));
        for (const name of names) {
          const problem = headerProblem(name);
          if (problem !== undefined)
            ctx.addIssue({ ...issueOf(problem.message, problem.fix), path: [name], input: name });
        }
      })
      .optional()
      .describe(`Names and values, at most ${HEADERS_MAX}; none that looks like a secret.`),
    bearer_token_file: plainText(URL_CHARS_MAX)
      .refine((path) => path.startsWith('/'), { error: 'must be an absolute path' })
      .optional()
      .describe('A file with a token, sent as `Authorization: Bearer ...`; an absolute path.'),
    expect: z
      .array(z.int().min(200).max(599))
      .min(1)
      .max(50)
      .optional()
      .describe('Statuses that count as done. Unset: 200 to 299.'),
    timeout: durationText(TIMEOUT_MIN_MS, TIMEOUT_MAX_MS)
      .default('10s')
      .describe('For the whole exchange.'),
    safe_to_repeat: z
      .boolean()
      .default(false)
      .describe('`true`: the other side does it once, however often it arrives.'),
  })
  .superRefine(({ url, method, body }, ctx) => {
    const problem = urlProblem(url);
    if (problem !== undefined)
      ctx.addIssue({ ...issueOf(problem.message, problem.fix), path: ['url'], input: url });
    if (body === undefined) return;
    const size = textOf(body).length;
    const wrong =
      method === 'GET'
        ? issueOf('a GET has no body', 'remove it, or use another method')
        : size > BODY_CHARS_MAX
          ? issueOf(`is longer than ${BODY_CHARS_MAX} characters`, 'shorten it')
          : undefined;
    if (wrong !== undefined) ctx.addIssue({ ...wrong, path: ['body'], input: body });
  });
type Params = z.output<typeof params>;

export default defineAction<Params>({
  id: 'http_request',
  summary: 'Send one HTTP request to a host that the policy allows.',
  backend: 'http',
  params,
  safe_to_repeat: false,
  leasable: false,

  rehearse: (given, world) => [targetOf(given, world)],

  async resolve(given, ctx) {
    return [targetOf(given, ctx)];
  },

  async preview(given, _target, ctx) {
    const url = needHost(given, ctx);
    const size = given.body === undefined ? '' : `, ${textOf(given.body).length} characters`;
    return `${given.method} ${url.origin}${url.pathname}${size}`;
  },

  async execute(given, _target, ctx) {
    // Again: the policy may have been reloaded since the plan.
    const url = needHost(given, ctx);
    const begun_at = ctx.now();
    const answer = await sendHttp({
      method: given.method,
      url,
      headers: headersOf(given, ctx),
      body: given.body === undefined ? null : textOf(given.body),
      bearer_token_file: given.bearer_token_file ?? null,
      timeout_ms: durationMs(given.timeout),
      signal: ctx.signal,
      repeatable: isRepeatable(given),
    });
    checkStatus(answer, given, url);
    const { status, type, text, truncated } = answer;
    return { status, type, body: text, truncated, duration_ms: ctx.now() - begun_at };
  },

  /** Whether a request arrived is not to be seen afterwards; what may come twice is sent again. */
  probe: (given) => Promise.resolve(isRepeatable(given) ? 'not_done' : 'unknown'),
});

function isRepeatable({ method, safe_to_repeat }: Params): boolean {
  return safe_to_repeat || IDEMPOTENT.has(method);
}

interface Wrong {
  readonly message: string;
  readonly fix: string;
}

/** With templates in it, a URL is looked at again once they are filled in. */
function urlProblem(text: string): Wrong | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:\/\//i.test(text))
    return { message: 'is not an http(s) address', fix: 'write it like https://host/path' };
  if (url.username !== '' || url.password !== '')
    return { message: 'carries a user', fix: 'use bearer_token_file' };
  if (text.includes('#'))
    return { message: 'has a fragment, which is never sent', fix: 'remove it' };
  // A label's value in the path must not lead to another path.
  if (/[\s\\]|\/(?:\.|%2e){1,2}(?:[/?]|$)/i.test(text))
    return { message: 'holds a blank, a backslash, "." or ".."', fix: 'write the path out' };
  return undefined;
}

/** Set by us or by the protocol. */
const OURS = new Set(
  `host connection content-length transfer-encoding keep-alive upgrade te trailer expect
  idempotency-key`.split(/\s+/),
);
const SECRET = /auth|cookie|token|secret|passw|api-?key|credential/i;

function headerProblem(name: string): Wrong | undefined {
  if (!/^[\w!#$%&'*+.^`|~-]{1,100}$/.test(name))
    return { message: 'is no name of a header', fix: 'write it like x-reason' };
  if (OURS.has(name.toLowerCase())) return { message: 'is set by autoheal', fix: 'leave it out' };
  if (!SECRET.test(name)) return undefined;
  return {
    message: 'looks like a secret, which would stand in the rule and in the audit log',
    fix: 'use bearer_token_file',
  };
}

type Asked = { readonly clients: Pick<ActionContext['clients'], 'allowed'> };

function targetOf(given: Params, asked: Asked): Target {
  const url = needHost(given, asked);
  const shown = `${url.origin}${url.pathname}`;
  return {
    id: `http/${shown}`,
    parents: [],
    name: url.host,
    opted_in: true,
    opt_in_hint: 'the host is allowed under hosts in the policy',
    observed: null,
    desired: null,
    cmd: `curl -X ${given.method} ${shown}`,
  };
}

function needHost(given: Params, ctx: Asked): URL {
  const url = new URL(given.url);
  if (ctx.clients.allowed.host(url)) return url;
  throw new ActionError(
    'forbidden',
    `the policy does not allow ${url.origin}; add it under hosts`,
    { retryable: false },
  );
}

function headersOf({ body, headers }: Params, ctx: ActionContext): Record<string, string> {
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    ...(body === undefined ? {} : { 'content-type': type }),
    ...(Object.fromEntries(given) as Record<string, string>),
    'idempotency-key': ctx.idempotency_key,
  };
}

function textOf(body: string | object): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** @throws ActionError unless the status is one that was expected. */
function checkStatus(answer: HttpAnswer, given: Params, url: URL): void {
  const { status } = answer;
  const wanted = given.expect ?? [];
  if (wanted.includes(status) || (given.expect === undefined && status >= 200 && status < 300))
    return;
  const text = answer.text.replace(/\s+/g, ' ').trim().slice(0, SAID_CHARS);
  const said = `${given.method} ${url.origin}${url.pathname} answered ${status}`;
  if (status >= 300 && status < 400)
    throw new ActionError(
      'rejected',
      `${said}: redirects are not followed; use the final address`,
      {
        retryable: false,
      },
    );
  const message = text === '' ? said : `${said}: ${text}`;
  // 429 was turned away at the door; behind any 5xx the work may have been done.
  if (status === 429 || status >= 500)
    throw new ActionError('unavailable', message, {
      retryable: status === 429 || isRepeatable(given),
    });
  throw new ActionError('rejected', message, { retryable: false });
}
