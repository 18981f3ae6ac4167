import { type HostPort, parseHostPort, parseProbeUrl } from '../healing/probe-address.ts';
import type { Json, JsonObject } from '../json.ts';
import { type Place, placesOf, quoteIn } from './promql.ts';
import type { TemplateScope } from './rule.ts';
import { hasTemplate, type Lookup, parseTemplate, type TemplatePart } from './template-parse.ts';

/** Characters that one rendered text may have: a label's value comes from outside. */
export const RENDERED_CHARS_MAX = 10_000;

export type Rendered<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string };

/** What is wrong with a template, and where: the path of the text, and the place within it. */
export interface TemplateFinding {
  readonly path: readonly (string | number)[];
  readonly offset: number;
  readonly length: number;
  readonly message: string;
  readonly fix: string;
}

/**
 * Checks every text within `value` when the rule loads: syntax, roots, and that what is looked up is
 * surely there. `present`: the labels that the rule's matchers guarantee. Annotations never are.
 */
export function checkTemplates(
  value: Json,
  present: ReadonlySet<string>,
): readonly TemplateFinding[] {
  if (typeof value === 'string') return checkText(value, present);
  if (value === null || typeof value !== 'object') return [];
  const entries: [string | number, Json][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return entries.flatMap(([key, inner]) =>
    checkTemplates(inner, present).map((found) => ({ ...found, path: [key, ...found.path] })),
  );
}

function checkText(text: string, present: ReadonlySet<string>): readonly TemplateFinding[] {
  const parsed = parseTemplate(text);
  if (!parsed.ok) return [{ path: [], ...parsed }];
  return parsed.parts.flatMap((part) => (part.kind === 'lookup' ? checkLookup(part, present) : []));
}

function checkLookup(lookup: Lookup, present: ReadonlySet<string>): readonly TemplateFinding[] {
  const { root, name, fallback, offset, length } = lookup;
  if (fallback !== null || (root === 'labels' && present.has(name))) return [];
  const thing = root === 'labels' ? 'label' : 'annotation';
  const or = root === 'labels' ? `, or the matcher '${labelName(name)}=~".+"'` : '';
  const message = `the ${thing} "${name}" may be absent`;
  const fix = `write {{ ${reference(lookup)} | default "..." }}${or}`;
  return [{ path: [], offset, length, message, fix }];
}

/** Is the text exactly one look-up and nothing else? */
export function isWholeTemplate(text: string): boolean {
  const parsed = parseTemplate(text);
  return parsed.ok && parsed.parts.length === 1 && parsed.parts[0]?.kind === 'lookup';
}

/** Renders every text within `value`; keys and other values stay as they are. A text stays a text. */
export function renderJson(value: JsonObject, scope: TemplateScope): Rendered<JsonObject> {
  return rendering(() => renderObject(value, scope));
}

/**
 * Renders a PromQL expression. A looked-up value can never leave its string literal: it is escaped for
 * it, and behind `=~` or `!~` for the regular expression too, so it only ever matches itself.
 */
export function renderPromql(expr: string, scope: TemplateScope): Rendered<string> {
  return rendering(() => renderExpr(expr, scope));
}

/**
 * Renders the address of an HTTP check. A looked-up value is percent-encoded, so it stays within the
 * segment of the path or the value of the query that it stands in; one that would climb (`..`) fails.
 */
export function renderUrl(url: string, scope: TemplateScope): Rendered<string> {
  const rendered = rendering(() =>
    bounded(
      partsOf(url).map((part) =>
        part.kind === 'text' ? part.text : encodeURIComponent(lookUp(part, scope).toWellFormed()),
      ),
    ),
  );
  if (!rendered.ok) return rendered;
  const parsed = parseProbeUrl(rendered.value);
  return parsed.ok ? rendered : { ok: false, message: `the address ${parsed.message}` };
}

/** Renders the address of a TCP check: whatever the labels hold, the whole has to be one `host:port`. */
export function renderAddress(address: string, scope: TemplateScope): Rendered<HostPort> {
  const rendered = rendering(() => renderText(address, scope));
  if (!rendered.ok) return rendered;
  const parsed = parseHostPort(rendered.value);
  return parsed.ok ? parsed : { ok: false, message: `${parsed.message}; ${parsed.fix}` };
}

class TemplateError extends Error {}

function rendering<T>(render: () => T): Rendered<T> {
  try {
    return { ok: true, value: render() };
  } catch (error) {
    if (error instanceof TemplateError) return { ok: false, message: error.message };
    throw error;
  }
}

function renderObject(value: JsonObject, scope: TemplateScope): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, renderValue(inner, scope)]),
  );
}

function renderValue(value: Json, scope: TemplateScope): Json {
  if (typeof value === 'string') return renderText(value, scope);
  if (Array.isArray(value)) return value.map((inner) => renderValue(inner, scope));
  if (value === null || typeof value !== 'object') return value;
  return renderObject(value, scope);
}

function renderText(text: string, scope: TemplateScope): string {
  if (!hasTemplate(text)) return text;
  return bounded(
    partsOf(text).map((part) => (part.kind === 'text' ? part.text : lookUp(part, scope))),
  );
}

function renderExpr(expr: string, scope: TemplateScope): string {
  if (!hasTemplate(expr)) return expr;
  const places = placesOf(expr);
  const parts = partsOf(expr).map((part) => {
    if (part.kind === 'text') return part.text;
    return quoteIn(placeOf(part, places), lookUp(part, scope));
  });
  return bounded(parts);
}

function placeOf(lookup: Lookup, places: readonly (Place | undefined)[]): Place {
  const place = places[lookup.offset];
  if (place !== undefined && place.quote !== '`') return place;
  throw new TemplateError(`{{ ${reference(lookup)} }} does not stand in a quoted string`);
}

function partsOf(text: string): readonly TemplatePart[] {
  const parsed = parseTemplate(text);
  if (parsed.ok) return parsed.parts;
  throw new TemplateError(parsed.message);
}

function lookUp(lookup: Lookup, scope: TemplateScope): string {
  const found = Object.hasOwn(scope[lookup.root], lookup.name)
    ? (scope[lookup.root][lookup.name] ?? '')
    : '';
  // In Prometheus an empty label is an absent one.
  if (found !== '') return found;
  if (lookup.fallback !== null) return lookup.fallback;
  throw new TemplateError(`{{ ${reference(lookup)} }}: the alert has no ${reference(lookup)}`);
}

function bounded(parts: readonly string[]): string {
  const text = parts.join('');
  if (text.length <= RENDERED_CHARS_MAX) return text;
  throw new TemplateError(`a rendered text has more than ${RENDERED_CHARS_MAX} characters`);
}

function reference({ root, name }: Lookup): string {
  return /^[A-Za-z_]\w*$/.test(name) ? `${root}.${name}` : `${root}[${JSON.stringify(name)}]`;
}

function labelName(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}
