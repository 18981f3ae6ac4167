import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { connectionOf, nameOf, print, understood } from './api-command.ts';
import { addressOf, detailOf, fail, reasonOf } from '../client.ts';
import { auditLine } from './tables.ts';

/** Until the service says otherwise. */
const RETRY_MS = 2_000;
const RETRY_MAX_MS = 60_000;
/** Three of the heartbeats, which come every 15 s. */
const SILENCE_MAX_MS = 45_000;
/** No entry is nearly as long; what goes on without an end is not autoheal. */
const EVENT_MAX_CHARS = 4 * 1024 * 1024;

interface Tail {
  readonly url: URL;
  readonly token: string | undefined;
  /** What has been looked through already; undefined: nothing. */
  last_id: string | undefined;
  retry_ms: number;
  /** Whether it was connected since the last loss was told. */
  connected: boolean;
  readonly take: (data: string) => Promise<void>;
}

/**
 * Prints entries as they come. After a lost connection it goes on behind the last entry: no gap, none twice.
 * Ends the process with 1 when the first connection fails, or when autoheal refuses a later one.
 */
export async function follow(command: Command, query: URLSearchParams): Promise<never> {
  const name = nameOf(command);
  const { url: base, token, json } = connectionOf(command);
  const url = addressOf(name, base, '/api/v1/audit/stream');
  url.search = query.toString();

  async function take(data: string): Promise<void> {
    print(json ? `${data}\n` : await understood(command, data, auditLine));
  }

  const start = { last_id: undefined, retry_ms: RETRY_MS, connected: false };
  const tail: Tail = { url, token, ...start, take };
  for (let first = true; ; first = false) {
    const lost = await read(tail).catch((error: unknown) => error);
    if (lost instanceof Refused) fail(name, lost.message);
    if (first && !tail.connected)
      fail(name, `${url.origin}: ${reasonOf(lost)}. Is autoheal running? Start it with: npm start`);
    if (tail.connected)
      process.stderr.write(`autoheal ${name}: the connection is lost; trying again\n`);
    tail.connected = false;
    await pause(tail.retry_ms);
  }
}

/** An answer that is no stream, and that asking again would not change. */
class Refused extends Error {}

/** One connection. Resolves when the service ends it. @throws Refused, or what broke it. */
async function read(tail: Tail): Promise<void> {
  const silent = new AbortController();
  const timer = setTimeout(() => silent.abort(), SILENCE_MAX_MS);
  try {
    const answer = await fetch(tail.url, {
      redirect: 'manual',
      signal: silent.signal,
      headers: {
        accept: 'text/event-stream',
        ...(tail.token !== undefined && { authorization: `Bearer ${tail.token}` }),
        ...(tail.last_id !== undefined && { 'last-event-id': tail.last_id }),
      },
    });
    if (answer.status !== 200) await refuse(tail, answer);
    tail.connected = true;
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of answer.body ?? []) {
      timer.refresh();
      const blocks = (text + decoder.decode(chunk, { stream: true })).split('\n\n');
      text = blocks.pop() ?? '';
      if (text.length > EVENT_MAX_CHARS) throw new Refused('an event without an end: not autoheal');
      for (const block of blocks) await takeBlock(tail, block);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** A restart answers 5xx for a while: whoever was connected comes back. */
async function refuse(tail: Tail, answer: Response): Promise<never> {
  const said = `${tail.url.origin} answered ${answer.status}: ${detailOf(await answer.text())}`;
  const again = answer.status >= 500 && tail.last_id !== undefined;
  throw again ? new Error(said) : new Refused(said);
}

/** The standard's way: fields by line, an event only where there is data. */
async function takeBlock(tail: Tail, block: string): Promise<void> {
  const fields = new Map(
    block.split('\n').map((line) => {
      const [name = ''] = line.split(':', 1);
      return [name, line.slice(name.length + 1).replace(/^ /, '')] as const;
    }),
  );
  const data = fields.get('data');
  if (data !== undefined) await tail.take(data);
  tail.last_id = fields.get('id') ?? tail.last_id;
  const retry_ms = Number(fields.get('retry'));
  if (retry_ms > 0) tail.retry_ms = Math.min(retry_ms, RETRY_MAX_MS);
}
