import { z } from 'zod';
import { anchor, code, prose, table } from './markdown.ts';

/** What is read of a JSON Schema here. */
interface Schema {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly not?: object;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
}

/** The JSON Schema of what people write. */
export function schemaOf(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: 'input' }) as Schema;
}

/** A map with keys of its own, and where it stands: `steps[].verify`. */
interface Place {
  readonly path: string;
  readonly schema: Schema;
}

/** A table of the keys of a map, then one section for each map within it. */
export function sections(schema: Schema, path = ''): readonly string[] {
  const { properties = {} } = schema;
  const inner = Object.entries(properties).flatMap(([key, value]) =>
    placesOf(value, path === '' ? key : `${path}.${key}`),
  );
  return [
    ...keyTable(schema, path),
    ...inner.flatMap((place) => [
      `## \`${place.path}\``,
      '',
      ...sections(place.schema, place.path),
    ]),
  ];
}

/** The keys of one map. @throws Error for a key without a description: it would be a row that says nothing. */
export function keyTable(schema: Schema, path = ''): readonly string[] {
  const { properties = {}, required = [] } = schema;
  const rows = Object.entries(properties).map(([key, value]) => {
    const place = path === '' ? key : `${path}.${key}`;
    if (value.description === undefined) throw new Error(`${place} has no description`);
    const [inner] = placesOf(value, place);
    const fallback = required.includes(key) ? 'required' : defaultOf(value, inner);
    return [code(key), takes(value, place), fallback, prose(value.description)];
  });
  return table(['key', 'takes', 'default', 'meaning'], rows);
}

function defaultOf(schema: Schema, inner: Place | undefined): string {
  const { default: value } = schema;
  if (value === undefined) return 'none';
  const empty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  // Each key of it has a default of its own.
  if (empty && inner !== undefined && schema.properties !== undefined)
    return `[its keys'](#${anchor(inner.path)})`;
  return code(yamlOf(value));
}

/** As it would be written in YAML. */
function yamlOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => quoted(item)).join(', ')}]`;
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : yamlOf(value);
}

/** The maps with keys of their own that a value is, or holds. */
function placesOf(schema: Schema, path: string): readonly Place[] {
  if (schema.properties !== undefined) return [{ path, schema }];
  if (schema.items !== undefined) return placesOf(schema.items, `${path}[]`);
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap((one) => placesOf(one, path));
  const { additionalProperties: values } = schema;
  return typeof values === 'object' ? placesOf(values, `${path}.<name>`) : [];
}

/** What may be written there, in words. */
function takes(schema: Schema, path: string): string {
  if (schema.title !== undefined) return prose(schema.title);
  if (schema.not !== undefined) return 'nothing';
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum !== undefined) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.anyOf !== undefined) return schema.anyOf.map((one) => takes(one, path)).join(', or ');
  return takesType(schema, path);
}

function takesType(schema: Schema, path: string): string {
  const { type, maxLength: most } = schema;
  if (type === 'string')
    return most === undefined ? 'text' : `text, at most ${grouped(most)} characters`;
  if (type === 'boolean') return '`true` or `false`';
  if (type === 'number') return `number${range(schema.minimum, schema.maximum)}`;
  if (type === 'integer') return `whole number${range(schema.minimum, schema.maximum)}`;
  if (type === 'object') return takesMap(schema, path);
  if (type !== 'array') return 'any value';
  return `list${range(schema.minItems, schema.maxItems)}: ${takes(schema.items ?? {}, `${path}[]`)}`;
}

function takesMap(schema: Schema, path: string): string {
  if (schema.properties !== undefined) return `[map](#${anchor(path)})`;
  const { additionalProperties: values } = schema;
  const of = typeof values === 'object' ? takes(values, `${path}.<name>`) : 'any value';
  return `map of names${range(undefined, schema.maxProperties)}: ${of}`;
}

/** Bounds that somebody chose; those of the number type itself are none. */
function range(min: number | undefined, max: number | undefined): string {
  const most = max === undefined || max >= Number.MAX_SAFE_INTEGER ? undefined : grouped(max);
  const least = min === undefined || min <= Number.MIN_SAFE_INTEGER ? undefined : grouped(min);
  if (least === undefined) return most === undefined ? '' : `, at most ${most}`;
  return most === undefined ? `, at least ${least}` : `, ${least} to ${most}`;
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
