import type { z } from 'zod';
import type { Json, JsonObject } from '../json.ts';
import { hasTemplate } from './template-parse.ts';
import { isWholeTemplate, type Rendered } from './template.ts';

type Issue = z.core.$ZodIssue;

/** The one form in which a label's text counts as a number: no exponent, no blanks, no other base. */
const NUMBER = /^[+-]?\d{1,15}(?:\.\d{1,15})?$/;

/**
 * Checks parameters again after rendering. A label is always a text; where the schema wants a number,
 * and the whole text was one template, and the label holds a plain decimal number, it becomes one.
 * `written` are the parameters with their templates, `rendered` the same after `renderJson`.
 */
export function validateRendered<P>(
  schema: z.ZodType<P>,
  written: JsonObject,
  rendered: JsonObject,
): Rendered<P> {
  const first = schema.safeParse(rendered);
  if (first.success) return { ok: true, value: first.data };
  const numbers = first.error.issues.filter(
    (issue) => wantsNumber(issue) && isWholeTemplateAt(written, issue.path),
  );
  const second = numbers.length === 0 ? first : schema.safeParse(withNumbers(rendered, numbers));
  if (second.success) return { ok: true, value: second.data };
  const issues = second.error.issues.map(
    (issue) => `${issue.path.map(String).join('.')}: ${issue.message}`,
  );
  return { ok: false, message: issues.join('; ') };
}

/**
 * What can be said at load of an issue that zod has with a parameter that holds a template: nothing
 * while rendering may still make it fit (undefined), else a sentence.
 */
export function templateIssue(issue: Issue, text: string): string | undefined {
  if (wantsNumber(issue))
    return isWholeTemplate(text)
      ? undefined
      : 'a number can come from a template only where the template is the whole value';
  if (issue.code !== 'invalid_type') return undefined;
  return `a template gives a text, and this must be ${issue.expected}`;
}

/** The text with a template at the path; undefined when there is none. */
export function templateAt(value: Json, path: readonly PropertyKey[]): string | undefined {
  let inner: Json | undefined = value;
  for (const key of path) {
    if (typeof inner !== 'object' || inner === null) return undefined;
    inner = Object.hasOwn(inner, key) ? (inner as JsonObject)[String(key)] : undefined;
  }
  return typeof inner === 'string' && hasTemplate(inner) ? inner : undefined;
}

function isWholeTemplateAt(written: Json, path: readonly PropertyKey[]): boolean {
  const text = templateAt(written, path);
  return text !== undefined && isWholeTemplate(text);
}

function wantsNumber(issue: Issue): boolean {
  if (issue.code === 'invalid_union')
    return issue.errors.some((errors) => errors.some((e) => e.path.length === 0 && wantsNumber(e)));
  return issue.code === 'invalid_type' && (issue.expected === 'number' || issue.expected === 'int');
}

function withNumbers(rendered: JsonObject, issues: readonly Issue[]): JsonObject {
  const copy = structuredClone(rendered);
  for (const { path } of issues) {
    const key = path.at(-1);
    let holder: Json | undefined = copy;
    for (const above of path.slice(0, -1)) holder = (holder as JsonObject)[String(above)];
    const text = key === undefined ? undefined : (holder as JsonObject)[String(key)];
    if (key === undefined || typeof text !== 'string' || !NUMBER.test(text)) continue;
    (holder as JsonObject)[String(key)] = Number(text);
  }
  return copy;
}
