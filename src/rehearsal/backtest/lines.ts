import { isFields } from '../../core/alerts/judge.ts';
import { parseTimestamp } from '../../core/alerts/timestamp.ts';
import type { RecordedDelivery } from './filter.ts';

/** A record as text: one delivery a line, as `GET /api/v1/deliveries?format=ndjson` writes it, or a webhook body with `received_at`. */

/** What is wrong with a line, and what to do. */
export class LineProblem extends Error {
  override readonly name = 'LineProblem';
  constructor(place: string, what: string, fix: string) {
    super(`${place}: ${what}; ${fix}`);
  }
}

/** A delivery of a line. `check`: whoever finds that its body is no JSON asks what is wrong with the line. */
export interface LineDelivery extends RecordedDelivery {
  readonly check?: () => void;
}

/** A webhook takes 16 MiB; as base64 and with what stands around it. */
export const LINE_BYTES_MAX = 24 * 1024 * 1024;
/** A clock may go back by so much between two lines; further back, the file is not in order. */
export const DISORDER_MAX_MS = 5 * 60_000;
const BRACE_END = 0x7d;
const HEAD_BYTES = 400;
/** An exported line up to its body: read so, the body is parsed once, by whoever uses it. */
const EXPORTED =
  /^\{"id":"[\w-]*","received_at":"([\d.:TZ+-]{20,35})","source":"([^"\\]{0,200})","body":(?=\{)/;
const FIX =
  'write {"received_at": "2026-03-01T12:00:00Z", "source": "alertmanager", "body": {...}}';

/** @throws LineProblem that names `place`, what is wrong and the fix. */
export function readLine(line: Buffer, place: string): LineDelivery {
  const head = EXPORTED.exec(line.toString('latin1', 0, HEAD_BYTES));
  const at = head === null ? null : parseTimestamp(head[1]);
  if (head === null || at === null || line.at(-1) !== BRACE_END) return slowly(line, place);
  const body = line.subarray(head[0].length, -1);
  return { at, source: head[2] ?? '', body, check: () => void slowly(line, place) };
}

function slowly(line: Buffer, place: string): LineDelivery {
  const row = jsonOf(line, place);
  if (!isFields(row)) throw new LineProblem(place, 'the line is no JSON object', FIX);
  const at = parseTimestamp(row['received_at']);
  if (at === null)
    throw new LineProblem(place, 'it has no "received_at" that is an RFC 3339 time', FIX);
  const source = typeof row['source'] === 'string' ? row['source'] : 'alertmanager';
  return { at, source, body: bodyOf(row, line, place) };
}

function jsonOf(line: Buffer, place: string): unknown {
  try {
    return JSON.parse(line.toString());
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/,? ?".*/s, '') : '';
    throw new LineProblem(
      place,
      `the line is no JSON (${why})`,
      'was the file cut off? Export it again',
    );
  }
}

function bodyOf(row: Readonly<Record<string, unknown>>, line: Buffer, place: string): Uint8Array {
  const { body, body_base64 } = row;
  if (isFields(body) || Array.isArray(body)) return Buffer.from(JSON.stringify(body));
  if (typeof body_base64 === 'string') return Buffer.from(body_base64, 'base64');
  if (Array.isArray(row['alerts'])) return line;
  throw new LineProblem(place, 'it has no "body", and is no webhook body with "alerts"', FIX);
}

/**
 * The deliveries of a text, as it comes. Empty lines are passed over.
 * @throws LineProblem; `name` is what it is called there, as a file's path.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<LineDelivery, void, undefined> {
  let number = 0;
  let latest = Number.NEGATIVE_INFINITY;
  for await (const line of linesOf(chunks, name)) {
    number += 1;
    if (line.length === 0) continue;
    const place = `${name}:${number}`;
    const delivery = readLine(line, place);
    if (delivery.at < latest - DISORDER_MAX_MS)
      throw new LineProblem(
        place,
        'it was received before the line above it',
        'sort the file by received_at',
      );
    latest = Math.max(latest, delivery.at);
    yield delivery;
  }
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;

async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Buffer, void, undefined> {
  let parts: Buffer[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      yield lineOf([...parts, bytes.subarray(from, at)]);
      parts = [];
      held = 0;
      from = at + 1;
    }
    if (from === bytes.length) continue;
    parts.push(bytes.subarray(from));
    held += bytes.length - from;
    if (held > LINE_BYTES_MAX)
      throw new LineProblem(name, `a line is longer than ${LINE_BYTES_MAX} bytes`, 'is it NDJSON?');
  }
  if (parts.length > 0) yield lineOf(parts);
}

function lineOf(parts: readonly Buffer[]): Buffer {
  const [only] = parts;
  const line = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
}
