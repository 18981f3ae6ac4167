import { FACTOR_UNIT, factorText, percentText, WHOLE } from '../slo.ts';
import { formatDuration } from '../duration.ts';
import type { Problem } from '../rules/diagnostic.ts';
import { type Path, problemAt, problemOfFile } from '../rules/yaml-source.ts';
import { annotation, ANNOTATION } from './annotations.ts';
import type { BurnAlert, Slo, SloSet } from './model.ts';
import type { Resolved } from './resolve.ts';

const DAY_MS = 86_400_000;
const SLOS_MAX = 50;
const TARGET: Path = ['spec', 'objectives', 0];
const LOOKBACK: Path = ['spec', 'condition', 'lookbackWindow'];

export interface Checked {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** What would be generated without complaint, and never fire or say something else than it seems to. */
export function checkSet(resolved: Resolved): Checked {
  const { set } = resolved;
  const problems = [
    ...checkCount(resolved),
    ...(set.job === null ? checkServices(resolved) : checkOwn(resolved)),
    ...set.alerts.flatMap((alert) => [
      ...checkWindows(resolved, alert),
      ...checkReach(resolved, alert),
    ]),
    ...checkTwins(resolved),
  ];
  return { problems, warnings: set.alerts.flatMap((alert) => checkTraffic(resolved, alert)) };
}

function checkCount({ set }: Resolved): readonly Problem[] {
  const { length } = set.slos;
  if (length > 0 && length <= SLOS_MAX) return [];
  return [problemOfFile(set.file, `has ${length} SLOs`, `write 1 to ${SLOS_MAX}`)];
}

/** Coverage, how much of a window there is data for, is counted in the slices of the one heartbeat. */
function checkOwn({ set, docs, doc_of }: Resolved): readonly Problem[] {
  const first = docs.Service.values().next().value;
  const beating = set.slos.filter(({ indicator }) => indicator.kind === 'beats');
  const level = [...doc_of].filter(([{ indicator }]) => indicator.kind === 'level');
  const problems = level.map(([, { source }]) =>
    problemAt(
      source,
      ['spec', 'budgetingMethod'],
      `of autoheal itself, slices are counted of a counter only`,
      `add the annotation ${ANNOTATION}beat-within`,
    ),
  );
  if (first === undefined) return problems;
  if (docs.Service.size !== 1)
    problems.push(
      problemAt(
        first.source,
        ['metadata'],
        'a file with autoheal.dev/job is about one Service',
        'make a file for the others',
      ),
    );
  if (beating.length !== 1)
    problems.push(
      problemAt(
        first.source,
        ['metadata', 'name'],
        `${beating.length} SLOs count a heartbeat; the rules need exactly one`,
        `give one SLO the annotation ${ANNOTATION}beat-within`,
      ),
    );
  const periods = new Set(set.slos.map(({ period_ms }) => period_ms));
  if (periods.size > 1)
    problems.push(
      problemAt(
        first.source,
        ['metadata', 'name'],
        'its SLOs have several time windows',
        'give all the same',
      ),
    );
  return problems;
}

function checkServices({ doc_of }: Resolved): readonly Problem[] {
  return [...doc_of].flatMap(([slo, { source }]) =>
    slo.by_drill
      ? [
          problemAt(
            source,
            ['metadata', 'annotations', `${ANNOTATION}drills`],
            'only autoheal itself tells drills apart',
            'remove it',
          ),
        ]
      : [],
  );
}

function checkWindows({ condition_of, policy_of }: Resolved, alert: BurnAlert): readonly Problem[] {
  const condition = condition_of.get(alert)?.source;
  const policy = policy_of.get(alert)?.source;
  if (condition === undefined || policy === undefined) return [];
  const problems: Problem[] = [];
  const periods = new Set(alert.slos.map(({ period_ms }) => period_ms));
  const least = Math.min(...periods);
  if (periods.size > 1)
    problems.push(
      problemAt(
        policy,
        ['metadata', 'name'],
        'its SLOs have several time windows, for which the factor means different shares',
        'make a policy for each',
      ),
    );
  if (alert.long_ms >= least)
    problems.push(
      problemAt(
        condition,
        LOOKBACK,
        `is not shorter than the time window of ${formatDuration(least)}`,
        'shorten it',
      ),
    );
  if (alert.short_ms >= alert.long_ms)
    problems.push(
      problemAt(
        condition,
        ['metadata', 'annotations', `${ANNOTATION}short-window`],
        'the short window must be shorter than the long one',
        'take a twelfth of it',
      ),
    );
  return problems;
}

/** A burn that no share of bad events can reach would be an alert that never fires. */
function checkReach({ doc_of }: Resolved, alert: BurnAlert): readonly Problem[] {
  return alert.slos.flatMap((slo) => {
    const source = doc_of.get(slo)?.source;
    const allowed = WHOLE - slo.objective;
    if (source === undefined || alert.factor * allowed < FACTOR_UNIT * WHOLE) return [];
    const least = Math.floor(WHOLE - (FACTOR_UNIT * WHOLE) / alert.factor) + 1;
    const long = formatDuration(alert.long_ms);
    const message = `${factorText(alert.factor)} times its budget of ${percentText(allowed)} % is all there is, or more: the ${alert.severity} of ${long} can never fire`;
    return [
      problemAt(
        source,
        TARGET,
        message,
        `aim at ${percentText(least)} % at least, or take a lower threshold`,
      ),
    ];
  });
}

function checkTwins({ set, policy_of }: Resolved): readonly Problem[] {
  const seen = new Set<string>();
  return set.alerts.flatMap((alert) => {
    const source = policy_of.get(alert)?.source;
    const twins = alert.slos.map(({ slo }) => `${alert.alertname} ${alert.long_ms} ${slo}`);
    const again = twins.some((twin) => seen.has(twin));
    for (const twin of twins) seen.add(twin);
    if (!again || source === undefined) return [];
    const message = `another policy makes ${alert.alertname} over the same window of the same SLO`;
    return [problemAt(source, ['metadata', 'name'], message, 'remove one of the two')];
  });
}

/** Where traffic is told: an alert whose window rarely sees as many events as must be bad. */
function checkTraffic({ doc_of }: Resolved, alert: BurnAlert): readonly Problem[] {
  return alert.slos.flatMap((slo) => {
    const doc = doc_of.get(slo);
    const told = doc === undefined ? undefined : annotation(doc.it, 'events-per-day');
    if (doc === undefined || told === undefined) return [];
    const events = (Number(told) * alert.long_ms) / DAY_MS;
    if (events >= slo.min_bad) return [];
    const message = `some ${Math.round(events * 10) / 10} events in ${formatDuration(alert.long_ms)}, of which ${slo.min_bad} must be bad: ${alert.alertname} hardly ever fires`;
    const fix = `take a longer lookbackWindow, lower ${ANNOTATION}min-bad, or send probes`;
    return [
      problemAt(
        doc.source,
        ['metadata', 'annotations', `${ANNOTATION}events-per-day`],
        message,
        fix,
      ),
    ];
  });
}

/** What two files must not share: the rules of both would record the same series. */
export function checkTogether(sets: readonly SloSet[]): readonly Problem[] {
  const owner = new Map<string, string>();
  return sets.flatMap(({ file, slos }) => {
    const services = new Set(slos.map(({ service }: Slo) => service));
    return [...services].flatMap((service) => {
      const other = owner.get(service);
      if (other === undefined) owner.set(service, file);
      if (other === undefined) return [];
      const message = `${other} has SLOs of the service ${service} too: both record the same series`;
      return [problemOfFile(file, message, 'keep all SLOs of a service in one file')];
    });
  });
}
