import { code, prose, table } from './markdown.ts';

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly record?: string }[];
  }[];
}

/** Behind the first colon of a recorded name, without the window at its end: what the series is. */
const MEANINGS: Readonly<Record<string, string>> = {
  burn_fast: 'Error ratio / budget over the window of the fast page.',
  burn_slow: 'Error ratio / budget over the window of the slow page.',
  'slo_burn_rate:ratio': 'Error ratio / budget.',
  'slo_budget_remaining:ratio': 'The share of the budget that is left; negative when overspent.',
  'slo_error:ratio': 'The share that was bad; 0 when idle, never NaN.',
  'slo_bad:increase': 'How much was bad: slices or events.',
  'slo_total:rate': 'Events a second, all of them.',
  'slo_good:rate': 'Events a second, the good ones.',
  'slo_error_budget:ratio': 'The budget: the share that may be bad.',
  'slo_coverage:ratio': 'The share of the window that there is data for.',
  'heartbeat_bad:slice': '1 for a slice without a beat.',
  'slo_bad:slice': '1 for a slice that was bad.',
  'slo_seen:slice': '1 for a slice of which there is data.',
};

/** Of which objectives, by what stands before the first colon, and the labels that they have. */
const OF: Readonly<Record<string, { readonly title: string; readonly labels: string }>> = {
  autoheal: { title: "autoheal's own objectives", labels: '`slo`, `drill`' },
  service: { title: 'Objectives of services', labels: '`service`, `slo`' },
};
/** Series that have fewer labels. */
const LABELS: Readonly<Record<string, string>> = {
  'autoheal:slo_error_budget:ratio': '`slo`',
  'autoheal:slo_coverage:ratio': '',
  'autoheal:heartbeat_bad:slice': '`drill`',
};

/** A family of recorded series, its windows in the files' order; `meaning` is absent where no words are here. */
export interface Recorded {
  readonly prefix: string;
  readonly name: string;
  readonly windows: readonly string[];
  readonly meaning: string | undefined;
}

/** The recording rules of parsed rule files, by family. */
export function recordedIn(files: readonly unknown[]): readonly Recorded[] {
  const names = new Set(
    (files as readonly Rules[]).flatMap(({ groups }) =>
      groups.flatMap(({ rules }) => rules.flatMap(({ record }) => record ?? [])),
    ),
  );
  const parts = [...names].map((full) => {
    const [, prefix = '', name = '', window] =
      /^([^:]+):(.+?)(?<=[a-z])(\d+(?:ms|[smhdwy]))?$/.exec(full) ?? [];
    return { prefix, name, window };
  });
  return [...Map.groupBy(parts, ({ prefix, name }) => `${prefix}:${name}`).values()].flatMap(
    (of) => {
      const [first] = of;
      if (first === undefined) return [];
      const windows = of.flatMap(({ window }) => window ?? []);
      const { prefix, name } = first;
      return [{ prefix, name, windows, meaning: MEANINGS[name] }];
    },
  );
}

/** A table for each prefix. */
export function recordedTables(files: readonly unknown[]): readonly string[] {
  const by_prefix = Map.groupBy(recordedIn(files), ({ prefix }) => prefix);
  return [...by_prefix].flatMap(([prefix, series]) => [
    `### ${OF[prefix]?.title ?? prefix}`,
    '',
    ...table(
      ['series', 'windows', 'labels', 'what it is'],
      series.map(({ name, windows, meaning }) => [
        code(`${prefix}:${name}${windows.length > 0 ? '<window>' : ''}`),
        windows.join(', '),
        LABELS[`${prefix}:${name}`] ?? OF[prefix]?.labels ?? '',
        prose(meaning ?? ''),
      ]),
    ),
  ]);
}
