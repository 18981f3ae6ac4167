import { readFile as readFileFromDisk } from 'node:fs/promises';
import { ActionError, type Notification, type Notifiers, type SendOptions } from '../action.ts';
import type { JsonObject } from '../core/json.ts';
import type { NotifierConfig } from '../core/rules/rule.ts';
import type { Backend } from '../ports.ts';
import { readText } from './http-body.ts';
import { networkFailure } from './net-errors.ts';

/** As the policy has it now: a reload takes effect with the next message. */
export type NotifierConfigs = () => Readonly<Record<string, NotifierConfig>>;
export type ReadFile = (path: string) => Promise<string>;
/** Sent with each message: the trace it belongs to. */
export type TraceHeaders = () => Readonly<Record<string, string>>;

const TITLE_LIMIT_CHARS = 300;
const TEXT_LIMIT_CHARS = 8_000;
const ANSWER_LIMIT_BYTES = 64 * 1024;

/**
 * Sends messages by POST. A notifier's address is often its only secret (Slack), so neither the
 * address nor what fetch says about it ever reaches an error, a log or the evidence.
 */
export function createNotifiers(
  configsOf: NotifierConfigs,
  readFile: ReadFile = (path) => readFileFromDisk(path, 'utf8'),
  traceHeaders: TraceHeaders = () => ({}),
): Notifiers {
  return {
    has: (name) => Object.hasOwn(configsOf(), name),
    async send(name, message, options) {
      const configs = configsOf();
      const config = Object.hasOwn(configs, name) ? configs[name] : undefined;
      if (config === undefined)
        throw notConfigured(`the policy has no notifier ${name}; add it under notifiers`);
      const url = await addressOf(name, config, readFile);
      const token = await tokenOf(name, config, readFile);
      const trace = traceHeaders();
      const status = await post(name, config, { url, token, message, options, trace });
      return { notifier: name, format: config.format, status };
    },
  };
}

export const notifyBackend: Backend = { name: 'notify', classify: classifyNotify };

/** `send` throws only ActionErrors; whatever else arrives is a mistake of ours. */
function classifyNotify(error: unknown): ActionError {
  if (error instanceof ActionError) return error;
  return (
    networkFailure(error, 'the notifier') ??
    new ActionError('unexpected', 'the notifier failed', { retryable: false, cause: error })
  );
}

async function addressOf(name: string, config: NotifierConfig, readFile: ReadFile): Promise<URL> {
  const where = config.url_file === null ? 'url' : 'url_file';
  const text =
    config.url_file === null
      ? (config.url ?? '')
      : await secret(name, 'url_file', config.url_file, readFile);
  if (!URL.canParse(text) || !/^https?:/i.test(text))
    throw notConfigured(
      `notifier ${name}: ${where} does not give an http or https address; its value is not shown`,
    );
  return new URL(text);
}

async function tokenOf(
  name: string,
  config: NotifierConfig,
  readFile: ReadFile,
): Promise<string | null> {
  if (config.bearer_token_file === null) return null;
  const token = await secret(name, 'bearer_token_file', config.bearer_token_file, readFile);
  if (!/^[\x21-\x7e]+$/.test(token))
    throw notConfigured(`notifier ${name}: bearer_token_file has no usable token`);
  return token;
}

async function secret(
  name: string,
  key: string,
  path: string,
  readFile: ReadFile,
): Promise<string> {
  try {
    return (await readFile(path)).trim();
  } catch {
    throw notConfigured(`notifier ${name}: ${key} ${path} cannot be read`);
  }
}

interface Post {
  readonly url: URL;
  readonly token: string | null;
  readonly message: Notification;
  readonly options: SendOptions;
  readonly trace: Readonly<Record<string, string>>;
}

async function post(name: string, config: NotifierConfig, what: Post): Promise<number> {
  const { url, token, message, options } = what;
  // fetch refuses an address with a user in it, and quotes the address when it does.
  const user = decodeURIComponent(url.username);
  const basic = Buffer.from(`${user}:${decodeURIComponent(url.password)}`).toString('base64');
  url.username = '';
  url.password = '';
  const authorization = token !== null ? `Bearer ${token}` : user === '' ? null : `Basic ${basic}`;
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(config.timeout_ms)]),
      headers: {
        ...what.trace,
        'content-type': 'application/json',
        'idempotency-key': options.idempotency_key,
        ...(authorization === null ? {} : { authorization }),
      },
      body: JSON.stringify(bodyOf(config.format, message)),
    });
    await drain(response);
    return accepted(name, response.status);
  } catch (error) {
    throw classifyPost(name, error);
  }
}

/** Read to its end, so that the connection can be used again; what is too long is thrown away. */
async function drain(response: Response): Promise<void> {
  await readText(response, ANSWER_LIMIT_BYTES).catch(() => undefined);
}

function classifyPost(name: string, error: unknown): ActionError {
  if (error instanceof ActionError) return error;
  return (
    networkFailure(error, `notifier ${name}`) ??
    new ActionError('unavailable', `notifier ${name}: the request failed`, { retryable: true })
  );
}

function bodyOf(format: NotifierConfig['format'], message: Notification): JsonObject {
  const title = cut(message.title, TITLE_LIMIT_CHARS);
  const text = cut(message.text, TEXT_LIMIT_CHARS);
  if (format === 'slack') return { text: slackText(title === '' ? text : `*${title}*\n${text}`) };
  return { ...message.fields, title, text };
}

/** Slack's three control characters: unescaped, a label could say `<!channel>` and wake everybody. */
function slackText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function cut(text: string, limit_chars: number): string {
  return text.length > limit_chars ? `${text.slice(0, limit_chars - 1)}…` : text;
}

/** @returns the status when it is 2xx. @throws ActionError otherwise. */
function accepted(name: string, status: number): number {
  if (status >= 200 && status < 300) return status;
  if (status >= 300 && status < 400)
    throw new ActionError(
      'rejected',
      `notifier ${name} answered ${status}: redirects are not followed; configure the final address`,
      { retryable: false },
    );
  const said = `notifier ${name} answered ${status}`;
  if (status === 429 || status >= 500)
    throw new ActionError('unavailable', said, { retryable: true });
  throw new ActionError('rejected', said, { retryable: false });
}

function notConfigured(message: string): ActionError {
  return new ActionError('not_configured', message, { retryable: false });
}
