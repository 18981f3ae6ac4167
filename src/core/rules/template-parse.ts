import type { TextProblem } from './matcher.ts';
import { didYouMean } from '../suggest.ts';

/** A look-up: `{{ labels.x | default "y" }}`. `offset` and `length` in UTF-16 units of the text. */
export interface Lookup {
  readonly kind: 'lookup';
  readonly root: TemplateRoot;
  readonly name: string;
  readonly fallback: string | null;
  readonly offset: number;
  readonly length: number;
}
export type TemplatePart = { readonly kind: 'text'; readonly text: string } | Lookup;
export type ParsedTemplate =
  | { readonly ok: true; readonly parts: readonly TemplatePart[] }
  | TextProblem;

export const TEMPLATE_ROOTS = ['labels', 'annotations'] as const;
export type TemplateRoot = (typeof TEMPLATE_ROOTS)[number];

/** A text in double quotes with the escapes \" \\ \n; one with anything else is refused. */
const STRING = String.raw`"(?:[^"\\\n]|\\["\\n])*"`;
const LOOKUP = new RegExp(
  String.raw`^\s*([A-Za-z_]\w*)\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*(${STRING})\s*\])\s*(?:\|\s*default\s+(${STRING})\s*)?$`,
);
const FORM =
  'write {{ labels.name }}, {{ labels["any name"] }} or {{ labels.name | default "text" }}';

/** Cuts a text into plain parts and look-ups. Every `{{` begins a template; there is no escape for it. */
export function parseTemplate(text: string): ParsedTemplate {
  const parts: TemplatePart[] = [];
  let at = 0;
  for (;;) {
    const start = text.indexOf('{{', at);
    if (start === -1) break;
    if (start > at) parts.push({ kind: 'text', text: text.slice(at, start) });
    const end = closing(text, start + 2);
    if (end === -1)
      return problem(start, text.length - start, 'the template is not closed', 'close it with }}');
    const lookup = parseLookup(text.slice(start + 2, end), start, end + 2 - start);
    if ('ok' in lookup) return lookup;
    parts.push(lookup);
    at = end + 2;
  }
  if (at < text.length) parts.push({ kind: 'text', text: text.slice(at) });
  return { ok: true, parts };
}

export function hasTemplate(text: string): boolean {
  return text.includes('{{');
}

/** Where the `}}` stands that is not inside quotes; -1 when there is none. */
function closing(text: string, from: number): number {
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    if (quoted && text[at] === '\\') at++;
    else if (text[at] === '"') quoted = !quoted;
    else if (!quoted && text.startsWith('}}', at)) return at;
  }
  return -1;
}

function parseLookup(inner: string, offset: number, length: number): Lookup | TextProblem {
  const match = LOOKUP.exec(inner);
  if (match === null) {
    const { message, fix } = explain(inner.trim());
    return problem(offset, length, message, fix);
  }
  const [, root = '', plain, quoted, fallback] = match;
  if (!isRoot(root)) {
    const fix = didYouMean(root, TEMPLATE_ROOTS);
    return problem(offset, length, `a template cannot look into "${root}"`, fix);
  }
  const name = plain ?? unquote(quoted ?? '""');
  const value = fallback === undefined ? null : unquote(fallback);
  return { kind: 'lookup', root, name, fallback: value, offset, length };
}

/** What the mistakes that people bring along from other template languages mean here. */
function explain(inner: string): { readonly message: string; readonly fix: string } {
  const foreign = /^(?:\$|\.)(?:Common|Group)?([Ll]abels|[Aa]nnotations)\.(\w+)$/.exec(inner);
  if (foreign !== null) {
    const root = (foreign[1] ?? '').toLowerCase();
    return {
      message: 'this is a template of Prometheus or Alertmanager',
      fix: `write {{ ${root}.${foreign[2]} }}`,
    };
  }
  const dashed = /^(labels|annotations)\.([^\s"|[\]]+)$/.exec(inner);
  if (dashed !== null) {
    const message = 'this name needs quotes and brackets';
    return { message, fix: `write {{ ${dashed[1]}["${dashed[2]}"] }}` };
  }
  if (/\|\s*default\b/.test(inner))
    return {
      message: 'the default must be a text in double quotes',
      fix: 'write | default "text"',
    };
  if (inner.includes('|'))
    return { message: 'a template only looks up; the one filter is default', fix: FORM };
  return { message: 'a template only looks up a label or an annotation', fix: FORM };
}

function isRoot(root: string): root is TemplateRoot {
  return (TEMPLATE_ROOTS as readonly string[]).includes(root);
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
}

function problem(offset: number, length: number, message: string, fix: string): TextProblem {
  return { ok: false, message, offset, length: Math.max(1, length), fix };
}
