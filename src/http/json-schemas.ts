import { z } from 'zod';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Schemas of one document: what they share stands once under `#/components/schemas/`. */
export interface Schemas {
  /** `output`: as we send it; `input`: as a client sends it. */
  of(schema: z.ZodType, io: 'input' | 'output'): JsonSchema;
  readonly shared: Readonly<Record<string, JsonSchema>>;
}

/** Of zod's own making: a schema that contains itself and has no id. Ours is "any JSON". */
const NAMELESS = /^__schema\d+$/;
const IN_DEFS = '#/$defs/';

export function createSchemas(): Schemas {
  const shared: Record<string, JsonSchema> = {};
  const texts = new Map<string, string>();

  function nameOf(def: string, schema: unknown): string {
    const text = JSON.stringify(schema).replaceAll(`"${IN_DEFS}${def}"`, '"#"');
    const base = NAMELESS.test(def) ? 'Json' : def;
    let name = base;
    for (let n = 2; texts.has(name) && texts.get(name) !== text; n += 1) name = `${base}${n}`;
    texts.set(name, text);
    return name;
  }

  function of(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const { $schema: _, $defs = {}, ...root } = z.toJSONSchema(schema, { io });
    const names = new Map(Object.entries($defs).map(([def, one]) => [def, nameOf(def, one)]));
    for (const [def, name] of names) shared[name] = renamed($defs[def], names);
    return renamed(root, names);
  }

  return { of, shared };
}

/** With every `$ref` to a local definition turned to the shared one. */
function renamed(schema: unknown, names: ReadonlyMap<string, string>): JsonSchema {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) => {
    if (key !== '$ref' || typeof value !== 'string' || !value.startsWith(IN_DEFS)) return value;
    return `#/components/schemas/${names.get(value.slice(IN_DEFS.length))}`;
  }) as JsonSchema;
}
