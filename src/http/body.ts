import type { z } from 'zod';
import { AutohealError } from '../core/errors.ts';

/** Bytes as JSON. @throws AutohealError `not_json` with the parser's word on where. */
export function parseJson(raw: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw));
  } catch (error) {
    throw new AutohealError('not_json', error instanceof Error ? error.message : 'unreadable');
  }
}

/**
 * A body checked against its schema.
 * @throws AutohealError `not_json`, `invalid_request` that names each wrong field.
 */
export function readBody<T>(schema: z.ZodType<T>, raw: Uint8Array | undefined): T {
  if (raw === undefined || raw.length === 0) {
    throw new AutohealError('invalid_request', 'a JSON body is needed, and there is none');
  }
  const result = schema.safeParse(parseJson(raw));
  if (result.success) return result.data;
  const errors = result.error.issues.map((issue) => ({
    field: issue.path.map(String).join('.'),
    message: issue.message,
  }));
  const detail = errors.map(({ field, message }) => (field ? `${field}: ${message}` : message));
  throw new AutohealError('invalid_request', detail.join('; '), { errors });
}
