import { type Problem, sortProblems } from '../rules/diagnostic.ts';
import { didYouMean } from '../suggest.ts';
import { parseYamlDocuments } from '../rules/yaml-parse.ts';
import { problemAt, problemOfFile, valueAt, type YamlSource } from '../rules/yaml-source.ts';
import { zodProblems } from '../rules/zod-problems.ts';
import { checkAnnotations } from './annotations.ts';
import { type Checked, checkSet } from './check.ts';
import type { SloSet } from './model.ts';
import { type Kind, KINDS, type Of } from './openslo-schema.ts';
import { resolve } from './resolve.ts';

/** UTF-16 units of an SLO file, and documents in it. */
export const SLO_CHARS_MAX = 128 * 1024;
const DOCUMENTS_MAX = 200;

/** A document with its places. */
export interface Doc<K extends Kind> {
  readonly source: YamlSource;
  readonly it: Of<K>;
}
export type Docs = { readonly [K in Kind]: ReadonlyMap<string, Doc<K>> };

export interface ParsedSlos {
  readonly slos?: SloSet;
  readonly problems: readonly Problem[];
  /** What may be meant, and is worth a look. */
  readonly warnings: readonly Problem[];
}

/** A file of OpenSLO v1 documents, checked whole: a value only when there is no problem. */
export function parseSlos(file: string, text: string): ParsedSlos {
  if (text.length > SLO_CHARS_MAX)
    return refused([
      problemOfFile(file, `is longer than ${SLO_CHARS_MAX} characters`, 'shorten it'),
    ]);
  const { sources, problems } = parseYamlDocuments(file, text);
  if (problems.length > 0) return refused(problems);
  if (sources.length === 0 || sources.length > DOCUMENTS_MAX)
    return refused([
      problemOfFile(file, `has ${sources.length} documents`, `write 1 to ${DOCUMENTS_MAX}`),
    ]);
  const found: Problem[] = [];
  const docs = readDocs(sources, found);
  if (found.length > 0) return refused(found);
  const resolved = resolve(file, docs, found);
  if (resolved === undefined || found.length > 0) return refused(found);
  const { problems: more, warnings }: Checked = checkSet(resolved);
  if (more.length > 0) return refused(more);
  return { slos: resolved.set, problems: [], warnings };
}

function refused(problems: readonly Problem[]): ParsedSlos {
  return { problems: sortProblems(problems), warnings: [] };
}

function readDocs(sources: readonly YamlSource[], problems: Problem[]): Docs {
  const docs = {
    Service: new Map<string, Doc<'Service'>>(),
    AlertNotificationTarget: new Map<string, Doc<'AlertNotificationTarget'>>(),
    AlertCondition: new Map<string, Doc<'AlertCondition'>>(),
    AlertPolicy: new Map<string, Doc<'AlertPolicy'>>(),
    SLO: new Map<string, Doc<'SLO'>>(),
  };
  for (const source of sources) {
    const kind = kindOf(source, problems);
    if (kind !== undefined) readDoc(source, kind, docs[kind] as Map<string, Doc<Kind>>, problems);
  }
  return docs;
}

function kindOf(source: YamlSource, problems: Problem[]): Kind | undefined {
  const kind = valueAt(source, ['kind']);
  const known = Object.keys(KINDS);
  if (typeof kind === 'string' && known.includes(kind)) return kind as Kind;
  const message =
    kind === undefined ? 'kind is missing' : `kind ${JSON.stringify(kind)} is not read here`;
  const fix = typeof kind === 'string' ? didYouMean(kind, known) : `write ${known.join(', ')}`;
  problems.push(problemAt(source, ['kind'], message, fix));
  return undefined;
}

function readDoc<K extends Kind>(
  source: YamlSource,
  kind: K,
  docs: Map<string, Doc<K>>,
  problems: Problem[],
): void {
  const parsed = KINDS[kind].safeParse(source.value);
  if (!parsed.success) {
    problems.push(...zodProblems(source, parsed.error.issues, KINDS[kind]));
    return;
  }
  const { name, annotations = {} } = parsed.data.metadata;
  problems.push(...checkAnnotations(source, kind, annotations));
  if (docs.has(name))
    problems.push(
      problemAt(
        source,
        ['metadata', 'name'],
        `there are two ${kind}s called ${name}`,
        'rename one',
      ),
    );
  docs.set(name, { source, it: parsed.data as Of<K> });
}
