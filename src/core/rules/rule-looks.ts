import { authorityEnd, parseHostPort, parseProbeUrl } from '../healing/probe-address.ts';
import type { Json } from '../json.ts';
import type { Catalogue, CompileOptions } from './catalogue.ts';
import type { Problem } from './diagnostic.ts';
import { didYouMean } from '../suggest.ts';
import { checkPromql } from './promql.ts';
import type { VerifySpec } from './rule.ts';
import { isObject } from './rule-params.ts';
import { RULE_DEFAULTS, type RuleFile } from './rule-schema.ts';
import { checkTemplates, isWholeTemplate, type TemplateFinding } from './template.ts';
import { parseTemplate, type TemplatePart } from './template-parse.ts';
import { type Path, problemAt, problemIn, valueAt, type YamlSource } from './yaml-source.ts';
import { pathText } from './zod-problems.ts';

/** What a rule looks at: preconditions before it acts, evidence after. `present`: labels that are surely there. */

/** Problems of templates in every text below `base`. */
export function templateProblems(
  source: YamlSource,
  base: Path,
  value: Json | undefined,
  present: ReadonlySet<string>,
): readonly Problem[] {
  if (value === undefined) return [];
  return checkTemplates(value, present).map((found: TemplateFinding) => {
    const path = [...base, ...found.path];
    return problemIn(source, path, { ...found, message: `${pathText(path)}: ${found.message}` });
  });
}

/** Problems of `verify`. `path`: where it stands. */
export function verifyProblems(
  source: YamlSource,
  path: Path,
  present: ReadonlySet<string>,
): readonly Problem[] {
  const http = [...path, 'http'];
  const url = isObject(valueAt(source, http)) ? [...http, 'url'] : http;
  return [
    ...promqlProblems(source, [...path, 'promql'], present),
    ...urlProblems(source, url, present),
    ...addressProblems(source, [...path, 'tcp'], present),
  ];
}

/** Problems of `when`. */
export function whenProblems(
  source: YamlSource,
  present: ReadonlySet<string>,
  catalogue: Catalogue,
  options: CompileOptions,
): readonly Problem[] {
  const entries = valueAt(source, ['when']);
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((_, index) => [
    ...promqlProblems(source, ['when', index, 'promql'], present),
    ...(options.pinned ? [] : intervalProblems(source, ['when', index, 'not_during'], catalogue)),
  ]);
}

function intervalProblems(
  source: YamlSource,
  path: Path,
  catalogue: Catalogue,
): readonly Problem[] {
  const name = valueAt(source, path);
  if (typeof name !== 'string' || name === '') return [];
  const known = catalogue.time_intervals();
  if (known.includes(name)) return [];
  const message = `${pathText(path)}: the policy has no time interval "${name}"`;
  const fix =
    known.length === 0 ? 'declare it in the policy under time_intervals' : didYouMean(name, known);
  return [problemAt(source, path, message, fix)];
}

function promqlProblems(
  source: YamlSource,
  path: Path,
  present: ReadonlySet<string>,
): readonly Problem[] {
  const expr = valueAt(source, path);
  if (typeof expr !== 'string') return [];
  const templates = templateProblems(source, path, expr, present);
  const found = templates.length > 0 ? undefined : checkPromql(expr);
  if (found === undefined) return templates;
  return [problemIn(source, path, { ...found, message: `${pathText(path)}: ${found.message}` })];
}

/** A label may fill a part of the path or the query, never say whom we ask. */
function urlProblems(
  source: YamlSource,
  path: Path,
  present: ReadonlySet<string>,
): readonly Problem[] {
  const url = valueAt(source, path);
  if (typeof url !== 'string') return [];
  const templates = templateProblems(source, path, url, present);
  if (templates.length > 0) return templates;
  const masked = masking(url, (part) => 'x'.repeat(part.length));
  const host_end = authorityEnd(masked);
  const inside = partsOf(url).find((part) => part.kind === 'lookup' && part.offset < host_end);
  if (inside?.kind === 'lookup') {
    const { offset, length } = inside;
    const message = `${pathText(path)}: a template cannot say which host is asked`;
    const fix = 'write scheme, host and port out; templates may stand behind them';
    return [problemIn(source, path, { offset, length, message, fix })];
  }
  const parsed = parseProbeUrl(masked);
  if (parsed.ok) return [];
  return [problemAt(source, path, `${pathText(path)}: ${parsed.message}`, parsed.fix)];
}

function addressProblems(
  source: YamlSource,
  path: Path,
  present: ReadonlySet<string>,
): readonly Problem[] {
  const address = valueAt(source, path);
  if (typeof address !== 'string') return [];
  const templates = templateProblems(source, path, address, present);
  if (templates.length > 0 || isWholeTemplate(address)) return templates;
  // `1` can be (a part of) a host and of a port.
  const masked = masking(address, (_, before) => (before.endsWith('[') ? '::1' : '1'));
  const parsed = parseHostPort(masked);
  if (parsed.ok) return [];
  // Where a template stands in, what is said of the stand-in would only confuse.
  const { message, fix } = masked === address ? parsed : NO_ADDRESS;
  return [problemAt(source, path, `${pathText(path)}: ${message}`, fix)];
}

const NO_ADDRESS = {
  message: 'is no host:port, whatever its templates give',
  fix: "write it like '{{ labels.host }}:5432'",
};

function partsOf(text: string): readonly TemplatePart[] {
  const parsed = parseTemplate(text);
  return parsed.ok ? parsed.parts : [];
}

/** The text with something in place of each template. */
function masking(
  text: string,
  stand_in: (part: TemplatePart & { readonly kind: 'lookup' }, before: string) => string,
): string {
  return partsOf(text).reduce(
    (before, part) => before + (part.kind === 'text' ? part.text : stand_in(part, before)),
    '',
  );
}

/* ---------------------------------------------------------------- the verification */

type VerifyFile = RuleFile['steps'][number]['verify'];

/** `verify` as the engine runs it; without one the alert has to resolve. */
export function verifyOf(verify: VerifyFile): VerifySpec {
  if (verify === undefined)
    return {
      within_ms: RULE_DEFAULTS.verify_within_ms,
      settle_ms: 0,
      for_ms: 0,
      check: { kind: 'resolved' },
    };
  return {
    within_ms: verify.within,
    settle_ms: verify.settle,
    for_ms: verify.for,
    check: checkOf(verify),
  };
}

function checkOf(verify: NonNullable<VerifyFile>): VerifySpec['check'] {
  const { promql, http, tcp } = verify;
  if (promql !== undefined) return { kind: 'promql', expr: promql };
  if (http !== undefined) return { kind: 'http', url: http.url, status: http.status ?? null };
  if (tcp !== undefined) return { kind: 'tcp', address: tcp };
  return verify.health === true ? { kind: 'health' } : { kind: 'resolved' };
}
