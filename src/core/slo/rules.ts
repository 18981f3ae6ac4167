import { budgetText } from '../slo.ts';
import { formatDuration } from '../duration.ts';
import { burnAlerts } from './alerts.ts';
import { ownAlerts } from './alerts-own.ts';
import { serviceAlerts } from './alerts-service.ts';
import {
  budgetsOf,
  type Events,
  familyOf,
  matchersOf,
  selectorText,
  servicesOf,
  type Slo,
  type SloSet,
} from './model.ts';
import { type Context, group, groupName, labelsOf, record, recorded } from './records.ts';
import { isSliced, SEEN_MS, sliceGroups, sliceOf } from './slices.ts';
import {
  intervalOf,
  longWindows,
  type RenderOptions,
  sliceMs,
  type Window,
  windowsOf,
} from './windows.ts';

/** A file of Prometheus rules from an SLO file; the same text for the same input. */
export function renderRules(set: SloSet, options: RenderOptions = {}): string {
  const scale = options.time_scale ?? 1;
  const family = familyOf(set);
  const mine = set.job === null ? servicesOf(set.slos) : '';
  const context: Context = { set, family, scale, mine };
  const windows = windowsOf(set, scale);
  const out = [
    `# Made by \`${set.job === null ? 'autoheal slo generate' : 'npm run slo'}\` from ${set.file}. Change that, not this.`,
    'groups:',
    ...group(groupName(context, 'meta'), intervalOf('medium', scale), budgets(context)),
    ...sliceGroups(context),
  ];
  for (const pace of ['short', 'medium', 'long'] as const) {
    const rules = windows
      .filter((window) => window.pace === pace)
      .flatMap((window) => windowRules(context, window));
    out.push(...group(groupName(context, pace), intervalOf(pace, scale), rules));
  }
  const alerts = [
    ...burnAlerts(set, family, scale),
    ...(set.job === null ? serviceAlerts(set) : ownAlerts(set, set.job)),
  ];
  out.push(
    ...group(groupName(context, 'burn'), intervalOf('short', scale), burnRules(context)),
    ...group(groupName(context, 'alerts'), intervalOf('short', scale), alerts),
  );
  return `${out.join('\n')}\n`;
}

function budgets(context: Context): readonly string[] {
  return context.set.slos.map((slo) =>
    record(
      context.family,
      'slo_error_budget:ratio',
      labelsOf(context, slo),
      `vector(${budgetText(slo.objective)})`,
    ),
  );
}

/* ---------------------------------------------------------------- windows */

function windowRules(context: Context, window: Window): readonly string[] {
  const { family, scale } = context;
  const { name } = window;
  const [total, good] = [`slo_total:rate${name}`, `slo_good:rate${name}`];
  const [all, fine] = [recorded(context, total), recorded(context, good)];
  // A good series may be absent while there is a total: then nothing was good. Of bad ones it is told from the total.
  const told_good = window.slos.some(
    ({ indicator }) => indicator.kind === 'events' && indicator.part_is === 'good',
  );
  const good_or_none = told_good ? `(${fine} or 0 * ${all})` : fine;
  const ratio = `(1 - ${good_or_none} / (${all} > 0))`;
  const events = window.slos.some(({ indicator }) => indicator.kind === 'events');
  const sliced = window.slos.filter(isSliced);
  return [
    ...(window.scaled ? [coverageOf(context, window)] : []),
    ...sliced.map((slo) => {
      const count = window.ms / sliceMs(sliceOf(slo), scale);
      const expr = `clamp_max(${badSlices(context, slo, window)} / ${count}, 1)`;
      return record(family, `slo_error:ratio${name}`, labelsOf(context, slo), expr);
    }),
    ...window.slos.flatMap((slo) =>
      slo.indicator.kind === 'events' ? eventRates(context, slo, slo.indicator, window) : [],
    ),
    ...(events
      ? [
          record(
            family,
            `slo_error:ratio${name}`,
            {},
            `${window.scaled ? `${ratio}\n${byCoverage(context, name)}` : ratio}\nor\n0 * ${all}`,
          ),
        ]
      : []),
    ...(window.counted
      ? [
          ...sliced.map((slo) =>
            record(
              family,
              `slo_bad:increase${name}`,
              labelsOf(context, slo),
              badSlices(context, slo, window),
            ),
          ),
          ...(events
            ? [
                record(
                  family,
                  `slo_bad:increase${name}`,
                  {},
                  `(${all} - ${good_or_none}) * ${window.ms / 1_000}`,
                ),
              ]
            : []),
        ]
      : []),
  ];
}

function badSlices({ set, family }: Context, { slo, service }: Slo, { range }: Window): string {
  if (set.job !== null)
    return `sum by (drill) (sum_over_time(${family.prefix}:heartbeat_bad:slice[${range}]))`;
  return `sum_over_time(${family.prefix}:slo_bad:slice{service="${service}",slo="${slo}"}[${range}])`;
}

function byCoverage(context: Context, name: string): string {
  const own = context.set.job !== null;
  const by = own ? '' : context.family.by;
  return `* on (${by}) group_left () ${recorded(context, `slo_coverage:ratio${name}`)}`;
}

/** The share of the window with data: without it, ten minutes after the first start read as three days. */
function coverageOf(context: Context, { name, range, ms }: Window): string {
  const { set, family, scale } = context;
  const series = `slo_coverage:ratio${name}`;
  if (set.job === null) {
    const seen = `count_over_time(${recorded(context, 'slo_seen:slice')}[${range}])`;
    return record(family, series, {}, `clamp_max(${seen} / ${ms / SEEN_MS}, 1)`);
  }
  const beating = set.slos.find(isSliced);
  const count = ms / sliceMs(beating === undefined ? SEEN_MS : sliceOf(beating), scale);
  const slices = `sum(count_over_time(${family.prefix}:heartbeat_bad:slice{drill="false"}[${range}]))`;
  return record(family, series, {}, `clamp_max(${slices} / ${count}, 1) or vector(1)`);
}

function eventRates(
  context: Context,
  slo: Slo,
  { total, part, part_is }: Events,
  { name, range }: Window,
): readonly string[] {
  const { set, family } = context;
  const own = labelsOf(context, slo);
  const labels = slo.by_drill || set.job === null ? own : { ...own, drill: 'false' };
  const sum = slo.by_drill ? 'sum by (drill) ' : 'sum';
  const [all, some] = [total, part].map(
    (selector) => `${sum}(rate(${selectorText(selector)}[${range}]))`,
  ) as [string, string];
  // Where bad events are told, their series may be absent while there is a total: then all was good.
  const none = slo.by_drill ? `0 * ${all}` : 'vector(0)';
  const good = part_is === 'good' ? some : `${all} - (${some} or ${none})`;
  return [
    record(family, `slo_total:rate${name}`, labels, all),
    record(family, `slo_good:rate${name}`, labels, good),
  ];
}

/* ---------------------------------------------------------------- burn */

function burnRules(context: Context): readonly string[] {
  const { set, family } = context;
  const longs = longWindows(set);
  const named =
    set.job === null
      ? longs.map((ms) => [`slo_burn_rate:ratio${formatDuration(ms)}`, ms] as const)
      : ([
          ['burn_fast', longs[0] ?? 0],
          ['burn_slow', longs[1] ?? longs[0] ?? 0],
        ] as const);
  const budgets_ms = new Set(
    set.slos.flatMap(({ period_ms, also_over_ms }) => [period_ms, ...also_over_ms]),
  );
  return [
    ...named.map(([name, ms]) => {
      const ratio = recorded(context, `slo_error:ratio${formatDuration(ms)}`);
      return record(family, name, {}, `${ratio} / ${byBudget(context, set.slos)}`);
    }),
    ...[...budgets_ms].toSorted((a, b) => a - b).map((ms) => budgetLeft(context, ms)),
  ];
}

function budgetLeft(context: Context, window_ms: number): string {
  const { set, family } = context;
  const slos = set.slos.filter((slo) => [slo.period_ms, ...slo.also_over_ms].includes(window_ms));
  const window = formatDuration(window_ms);
  const ratio = selectorText({
    metric: `${family.prefix}:slo_error:ratio${window}`,
    matchers: set.job === null ? matchersOf(slos, false) : '',
  });
  return record(
    family,
    `slo_budget_remaining:ratio${window}`,
    {},
    `1 - (${ratio} / ${byBudget(context, slos)})`,
  );
}

function byBudget({ set, family }: Context, slos: readonly Slo[]): string {
  return `on (${family.budget_by}) group_left () ${budgetsOf(slos, set.job !== null, family)}`;
}
