import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { createMetrics } from '../../src/adapters/metrics.ts';
import { GUARD_WORDS } from '../../src/core/healing/guard-words.ts';
import { REMEDIATION_STATES, type RemediationState } from '../../src/core/healing/remediation.ts';
import { code, type Page, prose, table } from './markdown.ts';
import { recordedTables } from './recorded.ts';

/** Every series of the page that Prometheus reads, and every series that it records of them. */
export async function metricsPage(root: string): Promise<Page> {
  const found = metricsIn(await servedPage()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const ours = found.filter(({ name }) => name.startsWith('autoheal_'));
  const process = found.filter(({ name }) => !name.startsWith('autoheal_'));
  return {
    name: 'metrics',
    title: 'Reference: metrics',
    about:
      'every metric, its type, unit and labels, and every series that Prometheus records of them',
    body: [
      'What `GET /metrics` serves. [Metrics](../metrics.md) says what to look at first and what to do at a limit;',
      '[objectives](../slo.md) what is made of it.',
      '',
      'Labels have all their values in brackets, except those that depend on the installation.',
      '',
      '## The service',
      '',
      ...metricTable(ours),
      '## The process',
      '',
      ...metricTable(process),
      '## What Prometheus records',
      '',
      'Made by the rules in `prometheus/rules/`; [objectives](../slo.md) explains them.',
      '',
      ...recordedTables(rulesIn(join(root, 'prometheus/rules'))),
    ],
  };
}

export interface Metric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** Each label with the values that it is served with. */
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>;
}

/** The page of a registry that nothing has happened to. */
async function servedPage(): Promise<string> {
  const states = REMEDIATION_STATES.map((state) => [state, 0]);
  const metrics = createMetrics({
    version: '0.0.0',
    actions: ['any'],
    backends: ['any'],
    scrape: async () => ({
      store_up: true,
      inbox_deliveries: 0,
      inbox_oldest_at: null,
      remediations: Object.fromEntries(states) as Record<RemediationState, number>,
      leases: 0,
    }),
  });
  return await metrics.render();
}

/** Reads Prometheus's text format, as this service writes it. */
export function metricsIn(page: string): readonly Metric[] {
  return page
    .split(/^(?=# HELP )/m)
    .filter((part) => part.startsWith('# HELP '))
    .map((part) => {
      const [, name = '', help = ''] = /^# HELP (\S+) (.*)$/m.exec(part) ?? [];
      const [, type = ''] = /^# TYPE \S+ (\w+)$/m.exec(part) ?? [];
      const labels = new Map<string, Set<string>>();
      for (const [, label = '', value = ''] of part.matchAll(/[{,](\w+)="([^"]*)"/g))
        if (label !== 'le') labels.set(label, (labels.get(label) ?? new Set()).add(value));
      return { name, type, help, labels };
    });
}

function metricTable(metrics: readonly Metric[]): readonly string[] {
  const rows = metrics.map(({ name, type, help, labels }) => [
    code(name),
    type,
    unitOf(name),
    [...labels].map(labelText).join(', '),
    marked(help),
  ]);
  return table(['name', 'type', 'unit', 'labels', 'what it says'], rows);
}

/** Prometheus names units at the end; a total is a count. */
function unitOf(name: string): string {
  const unit = [
    ['_timestamp_seconds', 'seconds since the epoch'],
    ['_start_time_seconds', 'seconds since the epoch'],
    ['_seconds', 'seconds'],
    ['_seconds_total', 'seconds'],
    ['_bytes', 'bytes'],
    ['_ratio', '0 to 1'],
  ].find(([end = '']) => name.endsWith(end));
  return unit?.[1] ?? '';
}

/** One value alone is of this installation: its version, its only action. */
function labelText([label, values]: readonly [string, ReadonlySet<string>]): string {
  const list = [...values];
  if (list.length < 2) return code(label);
  if (list.length === GUARD_WORDS.length && GUARD_WORDS.every((word) => values.has(word)))
    return `${code(label)} ([its word](guards.md))`;
  return `${code(label)} (${list.join(', ')})`;
}

/** Names in a help text, which is plain, in code marks. */
function marked(help: string): string {
  return prose(help.replace(/\bautoheal_\w+|\bAutoheal[A-Z]\w+|\bGET \/[\w/?=]+/g, '`$&`'));
}

/** The rule files of a folder, parsed, by name. */
export function rulesIn(folder: string): readonly unknown[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yml'))
    .toSorted()
    .map((name) => parse(readFileSync(join(folder, name), 'utf8')) as unknown);
}
