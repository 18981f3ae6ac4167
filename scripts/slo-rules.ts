import { formatDuration } from '../src/core/duration.ts';
import {
  type Burn,
  budgetOf,
  factorOf,
  objectiveOf,
  type Selector,
  shareOf,
  type Slo,
  type SloFile,
} from '../src/core/slo.ts';
import { healthAlerts } from './slo-alerts.ts';

/** How far a test's clock runs ahead: every window, pause and interval is divided by it. */
export interface RenderOptions {
  readonly time_scale?: number;
}

/** Rules are evaluated, and a time slice is, at least this long; a scaled `rate` needs a few scrapes. */
const INTERVAL_MIN_MS = 1_000;
const WINDOW_MIN_MS = 5_000;
/** The service beats every 5 s of real time, whatever the scale: three beats. */
const BEAT_MIN_MS = 15_000;

const SHORT_MS = 3_600_000;
const MEDIUM_MS = 21_600_000;
const INTERVAL_MS = { slice: 30_000, short: 30_000, medium: 60_000, long: 300_000 };

/** A window under its own name (`1h`), as it is asked for (`30s` under a time scale of 120). */
interface Window {
  readonly name: string;
  readonly nominal_ms: number;
  readonly ms: number;
  readonly range: string;
  /** Multiplied by the share of it that there is data for. */
  readonly scaled: boolean;
  /** An alert's long window: its bad events are counted. */
  readonly counted: boolean;
}

/** A file of Prometheus rules from the SLO file; the same text for the same input. */
export function renderRules(file: SloFile, options: RenderOptions = {}): string {
  const scale = options.time_scale ?? 1;
  const windows = windowsOf(file, scale);
  const slices = slicesOf(file, scale);
  const out = [
    '# Made by `npm run slo` from prometheus/slos.yaml. Change that, not this.',
    'groups:',
    ...group('autoheal-slo-meta', interval('medium', scale), budgets(file)),
    ...group('autoheal-slo-slices', formatDuration(slices.slice_ms), sliceRules(file, slices)),
  ];
  for (const [name, from, to] of [
    ['short', 0, SHORT_MS],
    ['medium', SHORT_MS, MEDIUM_MS],
    ['long', MEDIUM_MS, Infinity],
  ] as const) {
    const own = windows.filter(({ nominal_ms }) => nominal_ms > from && nominal_ms <= to);
    const rules = own.flatMap((window) => windowRules(file, window, slices));
    if (rules.length > 0) out.push(...group(`autoheal-slo-${name}`, interval(name, scale), rules));
  }
  out.push(
    ...group('autoheal-slo-burn', interval('short', scale), burnRules(file)),
    ...group('autoheal-slo-alerts', interval('short', scale), [
      ...burnAlerts(file, scale),
      ...healthAlerts(file),
    ]),
  );
  return `${out.join('\n')}\n`;
}

function group(name: string, every: string, rules: readonly string[]): readonly string[] {
  return [`- name: ${name}`, `  interval: ${every}`, '  rules:', ...rules];
}

function interval(of: keyof typeof INTERVAL_MS, scale: number): string {
  return formatDuration(scaledMs(INTERVAL_MS[of], scale, INTERVAL_MIN_MS));
}

function scaledMs(ms: number, scale: number, least_ms: number): number {
  return scale === 1 ? ms : Math.max(least_ms, Math.round(ms / scale / 1_000) * 1_000);
}

function windowsOf({ burns, period }: SloFile, scale: number): readonly Window[] {
  const all = [burns.fast, ...burns.slow];
  const long = new Set(all.map((burn) => burn.long));
  const every = new Set([...all.flatMap((burn) => [burn.short, burn.long]), period]);
  return [...every]
    .toSorted((a, b) => a - b)
    .map((nominal_ms) => {
      const ms = scaledMs(nominal_ms, scale, WINDOW_MIN_MS);
      return {
        name: formatDuration(nominal_ms),
        nominal_ms,
        ms,
        range: formatDuration(ms),
        scaled: long.has(nominal_ms) || nominal_ms === period,
        counted: long.has(nominal_ms),
      };
    });
}

/* ---------------------------------------------------------------- recording rules */

interface Slices {
  readonly slo: string;
  readonly heartbeat: NonNullable<Slo['heartbeat']>;
  readonly slice_ms: number;
  readonly beat_within: string;
  readonly grace: string;
}

function slicesOf({ slos }: SloFile, scale: number): Slices {
  for (const [slo, { heartbeat }] of Object.entries(slos)) {
    if (heartbeat === undefined) continue;
    return {
      slo,
      heartbeat,
      slice_ms: scaledMs(heartbeat.slice, scale, INTERVAL_MIN_MS),
      beat_within: formatDuration(scaledMs(heartbeat.beat_within, scale, BEAT_MIN_MS)),
      grace: formatDuration(scaledMs(heartbeat.grace, scale, BEAT_MIN_MS)),
    };
  }
  throw new Error('no SLO has a heartbeat');
}

function record(name: string, labels: Readonly<Record<string, string>>, expr: string): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}: "${value}"`);
  const lines = expr.split('\n').map((line) => `      ${line}`);
  return [
    `  - record: autoheal:${name}`,
    ...(pairs.length > 0 ? [`    labels: {${pairs.join(', ')}}`] : []),
    '    expr: |',
    ...lines,
  ].join('\n');
}

function budgets({ slos }: SloFile): readonly string[] {
  return Object.entries(slos).map(([slo, it]) =>
    record('slo_error_budget:ratio', { slo }, `vector(${budgetOf(it)})`),
  );
}

/**
 * A slice is bad without a beat. Once autoheal has been seen, no data is bad too. There is none for drills:
 * between them their counter stands still, which is no outage.
 */
function sliceRules(file: SloFile, { heartbeat, beat_within, grace }: Slices): readonly string[] {
  const beats = `${heartbeat.metric}{job="${file.job}",drill="false"}`;
  const seen = `group(last_over_time(${beats}[${formatDuration(file.period)}] offset ${grace}))`;
  return [
    record(
      'heartbeat_bad:slice',
      { drill: 'false' },
      `(
  1 - ((sum(increase(${beats}[${beat_within}])) > bool 0) or vector(0))
  and on () ${seen}
)
or
0 * sum(${beats})`,
    ),
  ];
}

function windowRules(file: SloFile, window: Window, slices: Slices): readonly string[] {
  const { name, range } = window;
  const count = window.ms / slices.slice_ms;
  const bad_slices = `sum by (drill) (sum_over_time(autoheal:heartbeat_bad:slice[${range}]))`;
  const [total, good] = [`autoheal:slo_total:rate${name}`, `autoheal:slo_good:rate${name}`];
  // A good series may be absent while there is a total; then nothing was good.
  const good_or_none = `(${good} or 0 * ${total})`;
  const ratio = `(1 - ${good_or_none} / (${total} > 0))`;
  const covered = window.scaled
    ? `${ratio}\n* on () group_left () autoheal:slo_coverage:ratio${name}`
    : ratio;
  return [
    ...(window.scaled ? [coverage(window, count)] : []),
    record(`slo_error:ratio${name}`, { slo: slices.slo }, `clamp_max(${bad_slices} / ${count}, 1)`),
    ...Object.entries(file.slos).flatMap(([slo, { events }]) =>
      events === undefined ? [] : eventRates(file.job, slo, events, window),
    ),
    record(`slo_error:ratio${name}`, {}, `${covered}\nor\n0 * ${total}`),
    ...(window.counted
      ? [
          record(`slo_bad:increase${name}`, { slo: slices.slo }, bad_slices),
          record(
            `slo_bad:increase${name}`,
            {},
            `(${total} - ${good_or_none}) * ${window.ms / 1_000}`,
          ),
        ]
      : []),
  ];
}

/** The share of the window with data: without it, ten minutes after the first start read as three days. */
function coverage({ name, range }: Window, count: number): string {
  const slices = `sum(count_over_time(autoheal:heartbeat_bad:slice{drill="false"}[${range}]))`;
  return record(`slo_coverage:ratio${name}`, {}, `clamp_max(${slices} / ${count}, 1) or vector(1)`);
}

function eventRates(
  job: string,
  slo: string,
  { total, good, by_drill }: NonNullable<Slo['events']>,
  { name, range }: Window,
): readonly string[] {
  const labels = by_drill ? { slo } : { slo, drill: 'false' };
  function rate(selector: Selector): string {
    const matchers = [`job="${job}"`, selector.matchers].filter((text) => text !== '').join(',');
    const sum = by_drill ? 'sum by (drill) ' : 'sum';
    return `${sum}(rate(${selector.metric}{${matchers}}[${range}]))`;
  }
  return [
    record(`slo_total:rate${name}`, labels, rate(total)),
    record(`slo_good:rate${name}`, labels, rate(good)),
  ];
}

const BY_BUDGET = 'on (slo) group_left () autoheal:slo_error_budget:ratio';

function burnRules({ burns, period }: SloFile): readonly string[] {
  const left = formatDuration(period);
  const slow = burns.slow[0] ?? burns.fast;
  return [
    record(
      'burn_fast',
      {},
      `autoheal:slo_error:ratio${formatDuration(burns.fast.long)} / ${BY_BUDGET}`,
    ),
    record('burn_slow', {}, `autoheal:slo_error:ratio${formatDuration(slow.long)} / ${BY_BUDGET}`),
    record(
      `slo_budget_remaining:ratio${left}`,
      {},
      `1 - (autoheal:slo_error:ratio${left} / ${BY_BUDGET})`,
    ),
  ];
}

/* ---------------------------------------------------------------- alerts */

function burnAlerts(file: SloFile, scale: number): readonly string[] {
  const fast = Map.groupBy(Object.entries(file.slos), ([, slo]) => slo.fast_alert);
  return [
    ...[...fast].map(([alert, slos]) => burnAlert(file, alert, file.burns.fast, slos, scale)),
    ...file.burns.slow.map((burn) =>
      burnAlert(file, 'AutohealErrorBudgetBurnSlow', burn, Object.entries(file.slos), scale),
    ),
  ];
}

function burnAlert(
  file: SloFile,
  alert: string,
  burn: Burn,
  slos: readonly (readonly [string, Slo])[],
  scale: number,
): string {
  const [long, short] = [formatDuration(burn.long), formatDuration(burn.short)];
  const factor = factorOf(burn, file.period);
  const limit = `on (slo) group_left () (${factor} * autoheal:slo_error_budget:ratio)`;
  const by_min = Map.groupBy(slos, ([, slo]) => slo.min_bad);
  // increase() extrapolates: three events read as 3.01 or 2.99.
  const enough = [...by_min].map(
    ([min, of]) => `autoheal:slo_bad:increase${long}{slo=~"${namesOf(of)}"} > ${min - 0.5}`,
  );
  const only = `{slo=~"${namesOf(slos)}"}`;
  const wait_ms = scale === 1 ? burn.for : Math.round(burn.for / scale / 1_000) * 1_000;
  return `  - alert: ${alert}
    expr: |
      autoheal:slo_error:ratio${long}${only} > ${limit}
      and on (slo, drill)
      (autoheal:slo_error:ratio${short}${only} > ${limit})
      and on (slo, drill)
      (${enough.join(' or ')})
    for: ${formatDuration(wait_ms)}
    labels: {service: autoheal, severity: ${burn.severity}, long: ${long}, short: ${short}, burn_rate: "${factor}"}
    annotations:
      summary: 'autoheal {{ $labels.slo }}: error budget burning faster than ${factor}x ({{ $value | humanizePercentage }} bad over ${long})'
      description: 'At ${factor}x, ${shareOf(burn)} of the ${formatDuration(file.period)} budget goes in ${long}. Objectives: ${objectives(slos)}.'
      runbook: 'docs/slo.md'`;
}

function namesOf(slos: readonly (readonly [string, Slo])[]): string {
  return slos.map(([name]) => name).join('|');
}

function objectives(slos: readonly (readonly [string, Slo])[]): string {
  return slos.map(([name, slo]) => `${name} ${objectiveOf(slo)} %`).join(', ');
}
