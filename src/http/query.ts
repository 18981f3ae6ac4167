import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import { AutohealError } from '../core/errors.ts';
import type { Limits } from './deps.ts';

/** One query parameter. `many`: the key may be repeated, its values are OR. */
export interface Field<T = unknown, M extends boolean = boolean> {
  readonly schema: z.ZodType<T, string>;
  readonly many: M;
  readonly description: string;
}
export type QuerySpec = Readonly<Record<string, Field>>;
/** What a handler gets: absent keys stay absent. */
export type QueryOf<Q extends QuerySpec> = {
  readonly [K in keyof Q]?: Q[K] extends Field<infer T, infer M>
    ? M extends true
      ? readonly T[]
      : T
    : never;
};

export function one<T>(schema: z.ZodType<T, string>, description: string): Field<T, false> {
  return { schema, many: false, description };
}
export function many<T>(schema: z.ZodType<T, string>, description: string): Field<T, true> {
  return { schema, many: true, description };
}

const TEXT_MAX = 1_024;
/** Text that a database can hold: NUL is not allowed in PostgreSQL's text. */
export const text = z
  .string()
  .min(1, 'is empty')
  .max(TEXT_MAX, `is longer than ${TEXT_MAX} characters`)
  .refine((value) => !value.includes('\0'), 'has a NUL character');

export const flagText = z
  .enum(['true', 'false'])
  .transform((value) => value === 'true')
  .meta({ wire: { type: 'boolean' } });

/** Whole numbers from `min` to `max`. */
export function whole(min: number, max: number): z.ZodType<number, string> {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .pipe(z.number().min(min, message).max(max, message))
    .meta({ wire: { type: 'integer', minimum: min, maximum: max } });
}

/** A point in time as it was asked for: itself, or so long ago. */
export type When = { readonly at: number } | { readonly ago_ms: number };

const RFC3339 = z.iso.datetime({ offset: true });
const WHEN_HELP =
  'must be an RFC 3339 time (2026-03-01T09:00:00Z) or a duration meaning "ago" (90s, 1h, 7d)';

/** RFC 3339, or a Prometheus duration. A `+` that a shell sent unescaped arrives as a space. */
export const when = z.string().transform((value, ctx): When => {
  const time = rfc3339(value.replace(/ (\d\d:\d\d)$/, '+$1'));
  if (time !== undefined) return { at: time };
  const ago_ms = parseDuration(value);
  if (ago_ms !== undefined) return { ago_ms };
  ctx.addIssue({ code: 'custom', message: WHEN_HELP });
  return z.NEVER;
});

/** Ms since the epoch, or undefined when the text is not an RFC 3339 time. */
export function rfc3339(value: string): number | undefined {
  if (!RFC3339.safeParse(value).success) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}

export function instant(value: When, now: number): number {
  return 'at' in value ? value.at : Math.max(0, now - value.ago_ms);
}

export type RawQuery = ReadonlyMap<string, readonly string[]>;

/** The query string as it stands in the URL; bounded later, by `readQuery`, which can answer. */
export function parseRawQuery(search: string): RawQuery {
  const raw = new Map<string, string[]>();
  if (search === '') return raw;
  for (const [key, value] of new URLSearchParams(search)) {
    const values = raw.get(key);
    if (values === undefined) raw.set(key, [value]);
    else values.push(value);
  }
  return raw;
}

/**
 * Checks a query against its declaration. An unknown key is an error, because a filter that is
 * misspelt and ignored answers the wrong question.
 * @throws AutohealError `invalid_request` that names the parameter and what it takes.
 */
export function readQuery<Q extends QuerySpec>(spec: Q, raw: RawQuery, limits: Limits): QueryOf<Q> {
  refuseTooMany(raw, limits);
  const known = Object.keys(spec);
  const out: Record<string, unknown> = {};
  for (const [key, values] of raw) {
    if (!Object.hasOwn(spec, key)) throw unknownKey(key, known);
    out[key] = readField(key, spec[key] as Field, values);
  }
  return out as QueryOf<Q>;
}

function readField(key: string, field: Field, values: readonly string[]): unknown {
  if (field.many) return values.map((value) => readValue(key, field, value));
  const [first = '', ...more] = values;
  if (more.length > 0) throw invalid(key, 'is given more than once, but takes one value');
  return readValue(key, field, first);
}

function readValue(key: string, field: Field, value: string): unknown {
  const result = field.schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(key, result.error.issues.map((issue) => issue.message).join('; '));
}

function invalid(key: string, why: string): AutohealError {
  return new AutohealError('invalid_request', `query parameter "${key}": ${why}`, {
    parameter: key,
  });
}

function unknownKey(key: string, known: readonly string[]): AutohealError {
  const name = key.slice(0, 100);
  const list = known.length === 0 ? 'none' : known.join(', ');
  return new AutohealError(
    'invalid_request',
    `unknown query parameter "${name}"; this path takes: ${list}`,
    { parameter: name, known },
  );
}

function refuseTooMany(raw: RawQuery, limits: Limits): void {
  let total = 0;
  for (const [key, values] of raw) {
    total += values.length;
    if (values.length > limits.query_values_per_key) {
      throw invalid(key.slice(0, 100), `has more than ${limits.query_values_per_key} values`);
    }
  }
  if (total > limits.query_values) {
    throw new AutohealError(
      'invalid_request',
      `the query has more than ${limits.query_values} values`,
    );
  }
}
