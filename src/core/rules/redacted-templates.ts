import type { Json } from '../json.ts';
import type { Problem } from './diagnostic.ts';
import { hasTemplate, parseTemplate } from './template-parse.ts';
import { problemIn, valueAt, type YamlSource } from './yaml-source.ts';
import { pathText } from './zod-problems.ts';

type Path = readonly (string | number)[];

/** Look-ups of annotations that the policy leaves out: they would only ever find that something was left out. */
export function redactedProblems(
  source: YamlSource,
  redacted: ReadonlySet<string>,
): readonly Problem[] {
  if (redacted.size === 0) return [];
  return [['steps'], ['when']].flatMap((path) =>
    problemsIn(source, path, valueAt(source, path), redacted),
  );
}

function problemsIn(
  source: YamlSource,
  path: Path,
  value: Json | undefined,
  redacted: ReadonlySet<string>,
): readonly Problem[] {
  if (typeof value === 'string') return problemsOf(source, path, value, redacted);
  if (value === null || typeof value !== 'object') return [];
  const entries: [string | number, Json][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  return entries.flatMap(([key, inner]) => problemsIn(source, [...path, key], inner, redacted));
}

function problemsOf(
  source: YamlSource,
  path: Path,
  text: string,
  redacted: ReadonlySet<string>,
): readonly Problem[] {
  const parsed = hasTemplate(text) ? parseTemplate(text) : undefined;
  // A template that is none is a problem of its own.
  if (parsed?.ok !== true) return [];
  return parsed.parts.flatMap((part) => {
    if (part.kind !== 'lookup' || part.root !== 'annotations' || !redacted.has(part.name))
      return [];
    const { offset, length, name } = part;
    const message = `${pathText(path)}: the annotation "${name}" is redacted by the policy`;
    const fix = `use a label instead, or take "${name}" out of redact.annotations in the policy`;
    return [problemIn(source, path, { offset, length, message, fix })];
  });
}
