import { parseDuration } from '../core/duration.ts';
import type { Json, Labels } from '../core/json.ts';
import type { Problem } from '../core/rules/diagnostic.ts';
import { parseYaml } from '../core/rules/yaml-parse.ts';
import { type Path, problemOfFile, type YamlSource } from '../core/rules/yaml-source.ts';
import { listOf, mapOf, textOf } from './values.ts';

/** An alerting rule of Prometheus. */
export interface Alert {
  readonly name: string;
  /** `alertname` and the labels that the rule writes itself, without those that hold a template. */
  readonly labels: Labels;
  /** Names of all labels that the rule writes itself. */
  readonly written: ReadonlySet<string>;
  readonly for_ms: number;
  readonly expr: string;
  readonly source: YamlSource;
  /** Where the rule stands in its file. */
  readonly path: Path;
}

/** The alerts of one rule file of Prometheus. What is no alert is passed over: promtool checks those files. */
export function readPrometheus(
  file: string,
  text: string,
): { readonly alerts: readonly Alert[]; readonly problems: readonly Problem[] } {
  const { source, problems } = parseYaml(file, text);
  if (source === undefined) return { alerts: [], problems };
  const groups = mapOf(source.value)['groups'];
  if (!Array.isArray(groups)) {
    const fix = 'give a rule file, as under rule_files in prometheus.yml';
    return { alerts: [], problems: [problemOfFile(file, 'it has no list "groups"', fix)] };
  }
  const alerts = groups.flatMap((group, at) =>
    listOf(mapOf(group)['rules']).flatMap((rule, index) =>
      alertOf(source, rule, ['groups', at, 'rules', index]),
    ),
  );
  return { alerts, problems: [] };
}

function alertOf(source: YamlSource, value: Json, path: Path): readonly Alert[] {
  const rule = mapOf(value);
  const name = textOf(rule['alert']);
  if (name === '') return [];
  const written = Object.entries(mapOf(rule['labels'])).map(([label, text]) => [
    label,
    textOf(text),
  ]);
  const plain = written.filter(([, text = '']) => !text.includes('{{'));
  return [
    {
      name,
      labels: { ...Object.fromEntries(plain), alertname: name } as Labels,
      written: new Set(['alertname', ...written.map(([label = '']) => label)]),
      for_ms: parseDuration(textOf(rule['for'])) ?? 0,
      expr: textOf(rule['expr']),
      source,
      path,
    },
  ];
}
