import type { z } from 'zod';
import type { Problem } from './diagnostic.ts';
import type { Json } from '../json.ts';
import { didYouMean } from '../suggest.ts';
import { type Path, problemAt, problemAtKey, valueAt, type YamlSource } from './yaml-source.ts';

/** What to say of an issue that zod found: where, what, and what to write instead. */
export interface Said {
  readonly path: Path;
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly fix: string;
}
type Issue = z.core.$ZodIssue;

/** Counts from 1 for people: `step 2` is what YAML has at `steps[1]`. */
const ONE_OF: Readonly<Record<string, string>> = {
  steps: 'step',
  matchers: 'matcher',
  targets: 'target',
  limit: 'limit',
  commands: 'command',
  hosts: 'host',
  tests: 'test',
  timeline: 'event',
  expect: 'expectation',
  // A list within a list: the arguments of a command.
  '': 'argument',
};
const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'empty',
};

/**
 * zod's issues as problems, each with its caret where the author has to look. `schema` is the one that
 * found them, for the names of known keys; `base` is where its value stands in the file.
 */
export function zodProblems(
  source: YamlSource,
  issues: readonly Issue[],
  schema: z.ZodType,
  base: Path = [],
): readonly Problem[] {
  return issues.flatMap(flatten).flatMap((issue) =>
    sayIssue(issue, schema, valueAt(source, [...base, ...issue.path])).map((said) => {
      const place = [...base, ...said.path];
      const where = pathText(place);
      const message = where === '' ? said.message : `${where}: ${said.message}`;
      const make = said.at === 'key' ? problemAtKey : problemAt;
      return make(source, place, message, said.fix);
    }),
  );
}

/** `step 1: verify.within` */
export function pathText(path: Path): string {
  let text = '';
  for (const key of path) {
    if (typeof key !== 'number') {
      text += text === '' || text.endsWith(': ') ? String(key) : `.${String(key)}`;
      continue;
    }
    const start = Math.max(text.lastIndexOf('.'), text.lastIndexOf(' ')) + 1;
    const list = text.slice(start);
    text = `${text.slice(0, start)}${ONE_OF[list] ?? list} ${key + 1}: `;
  }
  return text.replace(/: $/, '');
}

/** A union's issue becomes those of the branch that came nearest: the one that got deepest. */
function flatten(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const deep = issue.errors
    .map((errors) => errors.filter((inner) => inner.path.length > 0))
    .filter((errors) => errors.length > 0)
    .toSorted((a, b) => a.length - b.length)[0];
  if (deep === undefined) return [issue];
  return deep.flatMap((inner) => flatten({ ...inner, path: [...issue.path, ...inner.path] }));
}

function sayIssue(issue: Issue, schema: z.ZodType, got: Json | undefined): readonly Said[] {
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue, schema);
  if (got === undefined && issue.code !== 'custom') return [missing(issue)];
  const never = issue.code === 'invalid_type' && issue.expected === 'never';
  return [{ path: issue.path, at: never ? 'key' : 'value', ...wording(issue, got ?? null) }];
}

function unknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys, schema: z.ZodType): readonly Said[] {
  const known = knownKeys(schema, issue.path);
  return issue.keys.map((key) => ({
    path: [...issue.path, key],
    at: 'key' as const,
    message: 'there is no such key',
    fix: didYouMean(key, known),
  }));
}

function missing(issue: Issue): Said {
  const kind =
    issue.code === 'invalid_type' ? (KINDS[issue.expected] ?? issue.expected) : 'a value';
  const key = String(issue.path.at(-1));
  return {
    path: issue.path,
    at: 'value',
    message: 'is missing',
    fix: `add "${key}:" with ${kind}`,
  };
}

interface Wording {
  readonly message: string;
  readonly fix: string;
}

function wording(issue: Issue, got: Json): Wording {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue, got);
    case 'too_big':
      return size(issue.origin, 'at most', issue.inclusive === false, issue.maximum, got);
    case 'too_small':
      return size(issue.origin, 'at least', issue.inclusive === false, issue.minimum, got);
    case 'invalid_value':
      return oneOf(issue.values, got);
    case 'invalid_union':
      return union(issue, got);
    case 'custom':
      return { message: issue.message, fix: fixOf(issue.params) };
    case 'invalid_format':
      return { message: issue.message, fix: 'write it in that form' };
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_key':
    case 'invalid_element':
      return { message: issue.message, fix: 'correct this value' };
  }
}

function wrongType(issue: z.core.$ZodIssueInvalidType, got: Json): Wording {
  // A schema says "never" with its own sentence where this version does not enforce a key.
  if (issue.expected === 'never') return { message: issue.message, fix: 'remove it' };
  const kind = KINDS[issue.expected] ?? issue.expected;
  const listed = issue.expected === 'array' && (typeof got === 'string' || typeof got === 'number');
  const item = typeof got === 'string' ? `'${got}'` : JSON.stringify(got);
  const fix = listed ? `write a list: [${item}]` : `write ${kind}`;
  return { message: `must be ${kind}, not ${kindOf(got)}`, fix };
}

function size(
  origin: string,
  bound: 'at most' | 'at least',
  exclusive: boolean,
  limit: number | bigint,
  got: Json,
): Wording {
  const unit = UNITS_OF[origin];
  if (unit !== undefined && bound === 'at least' && limit === 1)
    return { message: 'must not be empty', fix: 'write at least one' };
  const words = exclusive ? (bound === 'at most' ? 'less than' : 'more than') : bound;
  const amount = unit === undefined ? `${words} ${limit}` : `${words} ${limit} ${unit}`;
  const message = unit === undefined ? `must be ${amount}` : `must have ${amount}`;
  return { message: `${message}, not ${sizeOf(got)}`, fix: `write ${amount}` };
}
const UNITS_OF: Readonly<Record<string, string>> = {
  string: 'characters',
  array: 'items',
  object: 'keys',
  map: 'keys',
};

function sizeOf(got: Json): string {
  if (typeof got === 'string' || Array.isArray(got)) return String(got.length);
  return typeof got === 'object' && got !== null ? String(Object.keys(got).length) : String(got);
}

function oneOf(values: readonly unknown[], got: Json): Wording {
  const list = values.map(String);
  if (typeof got !== 'string')
    return {
      message: `must be ${list.join(' or ')}, not ${kindOf(got)}`,
      fix: `write ${list.join(' or ')}`,
    };
  return { message: `"${got}" is not one of its values`, fix: didYouMean(got, list) };
}

function union(issue: z.core.$ZodIssueInvalidUnion, got: Json): Wording {
  const kinds = issue.errors.flat().map((inner) => {
    if (inner.code === 'invalid_type') return KINDS[inner.expected] ?? inner.expected;
    return inner.code === 'invalid_value' ? inner.values.map(String).join(', ') : inner.message;
  });
  const list = [...new Set(kinds)].join(', or ');
  if (list === '') return { message: issue.message, fix: 'correct this value' };
  return { message: `must be ${list}, not ${kindOf(got)}`, fix: `write ${list}` };
}

/** What a value is, for "must be a list, not a text". */
export function kindOf(got: Json): string {
  if (got === null) return 'empty';
  if (Array.isArray(got)) return 'a list';
  if (typeof got === 'boolean') return String(got);
  return KINDS[typeof got] ?? typeof got;
}

function fixOf(params: Readonly<Record<string, unknown>> | undefined): string {
  const fix = params?.['fix'];
  return typeof fix === 'string' ? fix : 'change it so that this holds';
}

/* ---------------------------------------------------------------- known keys */

/** What of a zod schema's definition is read here; the same for every kind of schema. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly options?: readonly z.ZodType[];
}

/** The names that the map at `path` takes. */
export function knownKeys(schema: z.ZodType, path: Path): readonly string[] {
  const def = schema.def as Definition;
  const inner = def.innerType ?? (def.type === 'pipe' ? def.in : undefined);
  if (inner !== undefined) return knownKeys(inner, path);
  if (def.options !== undefined) return def.options.flatMap((option) => knownKeys(option, path));
  const [key, ...rest] = path;
  if (key === undefined) return namesOf(def);
  const next = def.shape?.[String(key)] ?? def.element ?? def.valueType;
  return next === undefined ? [] : knownKeys(next, rest);
}

/** A key that is there only to say that it is not enforced yet is no suggestion. */
function namesOf({ shape = {} }: Definition): readonly string[] {
  return Object.keys(shape).filter((name) => shape[name] !== undefined && !isNever(shape[name]));
}

function isNever(schema: z.ZodType): boolean {
  const def = schema.def as Definition;
  return def.type === 'never' || (def.innerType !== undefined && isNever(def.innerType));
}
