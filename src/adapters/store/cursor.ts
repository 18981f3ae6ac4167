import { AutohealError } from '../../core/errors.ts';

/** Most rows a page can have. */
export const PAGE_ROWS_MAX = 1000;
const CURSOR_VERSION = 1;
const CURSOR_CHARS_MAX = 200;

/**
 * An opaque place in a list. `list` says whose it is (and in which order), so that a cursor of one
 * list is not taken for another's.
 */
export function encodeCursor(list: string, after: number): string {
  return Buffer.from(JSON.stringify({ v: CURSOR_VERSION, list, after })).toString('base64url');
}

/** @throws AutohealError `invalid_request` when it is not a cursor of this list. */
export function decodeCursor(list: string, cursor: string): number {
  const after = cursor.length <= CURSOR_CHARS_MAX ? read(list, cursor) : undefined;
  if (after !== undefined) return after;
  throw new AutohealError(
    'invalid_request',
    'cursor is not one of this list: pass next_cursor of the page before, with the same order, ' +
      'or leave it out to begin',
  );
}

function read(list: string, cursor: string): number | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { v, list: whose, after } = value as Record<'v' | 'list' | 'after', unknown>;
  if (v !== CURSOR_VERSION || whose !== list) return undefined;
  return Number.isSafeInteger(after) && (after as number) >= 0 ? (after as number) : undefined;
}

/** @throws AutohealError `invalid_request`. */
export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= PAGE_ROWS_MAX) return;
  throw new AutohealError('invalid_request', `limit must be a whole number, 1 to ${PAGE_ROWS_MAX}`);
}
