/** What an SLO file says, once it is checked: plain data, durations in ms, percentages in 0.0001 %. */

/** A plain selector of Prometheus: `up{job="api"}`. `matchers` are without braces, maybe empty. */
export interface Selector {
  readonly metric: string;
  readonly matchers: string;
}
export const OPS = ['lt', 'lte', 'gt', 'gte'] as const;
export type Op = (typeof OPS)[number];

/** Events that are good or bad; exactly one of `good` and `bad` is told. */
export interface Events {
  readonly kind: 'events';
  readonly total: Selector;
  readonly part: Selector;
  readonly part_is: 'good' | 'bad';
}
/** A counter that has to move: a slice without a step is bad, and so is no data once it was seen. */
export interface Beats {
  readonly kind: 'beats';
  readonly beat: Selector;
  readonly slice_ms: number;
  readonly within_ms: number;
  readonly grace_ms: number;
}
/** A gauge that has to stay on one side of a value: a slice in which its worst series does not is bad. */
export interface Level {
  readonly kind: 'level';
  readonly level: Selector;
  readonly slice_ms: number;
  readonly op: Op;
  readonly value: number;
}

export interface Slo {
  /** As label `slo`: `webhook_latency` for the document `webhook-latency`. */
  readonly slo: string;
  readonly service: string;
  readonly summary: string;
  readonly objective: number;
  readonly period_ms: number;
  /** Further windows that the budget left is told for; they alert nobody. */
  readonly also_over_ms: readonly number[];
  /** Bad slices or events in the long window below which nothing fires. */
  readonly min_bad: number;
  readonly indicator: Events | Beats | Level;
  /** Recorded by the label `drill`, so that drills burn a budget of their own. */
  readonly by_drill: boolean;
  /** Its series being gone is an alert. */
  readonly tell_absent: boolean;
}

export const SEVERITIES = ['page', 'ticket'] as const;

/** One alert of Prometheus: all its SLOs, one pair of windows. */
export interface BurnAlert {
  readonly alertname: string;
  readonly severity: (typeof SEVERITIES)[number];
  /** In 0.0001. */
  readonly factor: number;
  readonly long_ms: number;
  readonly short_ms: number;
  readonly for_ms: number;
  readonly runbook: string;
  readonly slos: readonly Slo[];
}

/** One file: SLOs, and the alerts on their burn. */
export interface SloSet {
  /** As in messages: `prometheus/slos.yaml`. */
  readonly file: string;
  /** The scrape job of autoheal itself; null: a file about other services. */
  readonly job: string | null;
  readonly slos: readonly Slo[];
  readonly alerts: readonly BurnAlert[];
}

/** How the recorded series are called, and which labels tell SLOs apart. */
export interface Family {
  readonly prefix: 'autoheal' | 'service';
  readonly by: string;
  readonly budget_by: string;
}

export function familyOf({ job }: Pick<SloSet, 'job'>): Family {
  return job === null
    ? { prefix: 'service', by: 'service, slo', budget_by: 'service, slo' }
    : { prefix: 'autoheal', by: 'slo, drill', budget_by: 'slo' };
}

/** The series that says whether anything is measured at all. */
export function seriesOf({ indicator }: Slo): Selector {
  if (indicator.kind === 'events') return indicator.total;
  return indicator.kind === 'beats' ? indicator.beat : indicator.level;
}

/** As PromQL: `up{job="api"}`. */
export function selectorText({ metric, matchers }: Selector): string {
  return matchers === '' ? metric : `${metric}{${matchers}}`;
}

/** Label matchers of these SLOs, without braces; `own`: autoheal's, whose names are enough. */
export function matchersOf(slos: readonly Slo[], own: boolean): string {
  const names = `slo=~"${slos.map(({ slo }) => slo).join('|')}"`;
  return own ? names : `${servicesOf(slos)},${names}`;
}

/** A label matcher of their services: it keeps the rules of two files apart. */
export function servicesOf(slos: readonly Slo[]): string {
  return `service=~"${[...new Set(slos.map(({ service }) => service))].join('|')}"`;
}

/** The recorded budgets of these SLOs, as PromQL. */
export function budgetsOf(slos: readonly Slo[], own: boolean, { prefix }: Family): string {
  const metric = `${prefix}:slo_error_budget:ratio`;
  return selectorText({ metric, matchers: own ? '' : servicesOf(slos) });
}
