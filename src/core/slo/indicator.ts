import type { Problem } from '../rules/diagnostic.ts';
import { type Path, problemAt } from '../rules/yaml-source.ts';
import { annotationMs } from './annotations.ts';
import type { Events, Selector, Slo } from './model.ts';
import type { Doc } from './openslo.ts';
import type { Of } from './openslo-schema.ts';
import { parseSelector } from './selector.ts';

/** A beat of a service that is just starting is not missed yet, ms. */
const GRACE_MS = 300_000;
const INDICATOR = ['spec', 'indicator', 'spec'];
type Query = NonNullable<Of<'SLO'>['spec']['indicator']['spec']['thresholdMetric']>;

/** What is measured; undefined when it was told of in `problems`. */
export function indicatorOf(doc: Doc<'SLO'>, problems: Problem[]): Slo['indicator'] | undefined {
  const { it } = doc;
  const { ratioMetric, thresholdMetric } = it.spec.indicator.spec;
  const slices = it.spec.budgetingMethod === 'Timeslices';
  if (slices !== (thresholdMetric !== undefined)) {
    const message = slices
      ? 'Timeslices are read from a thresholdMetric only'
      : 'Occurrences are read from a ratioMetric only';
    const fix = `write budgetingMethod: ${slices ? 'Occurrences' : 'Timeslices'}, or the other metric`;
    problems.push(problemAt(doc.source, ['spec', 'budgetingMethod'], message, fix));
    return undefined;
  }
  if (ratioMetric !== undefined) return eventsOf(doc, ratioMetric, problems);
  return thresholdMetric === undefined ? undefined : slicedOf(doc, thresholdMetric, problems);
}

function eventsOf(
  doc: Doc<'SLO'>,
  ratio: NonNullable<Of<'SLO'>['spec']['indicator']['spec']['ratioMetric']>,
  problems: Problem[],
): Events | undefined {
  const base = [...INDICATOR, 'ratioMetric'];
  const part_is = ratio.good === undefined ? 'bad' : 'good';
  const query = ratio.good ?? ratio.bad;
  const total = selectorOf(doc, [...base, 'total'], ratio.total, problems);
  const part =
    query === undefined ? undefined : selectorOf(doc, [...base, part_is], query, problems);
  if (total === undefined || part === undefined) return undefined;
  return { kind: 'events', total, part, part_is };
}

function slicedOf(
  doc: Doc<'SLO'>,
  query: Query,
  problems: Problem[],
): Slo['indicator'] | undefined {
  const series = selectorOf(doc, [...INDICATOR, 'thresholdMetric'], query, problems);
  const objective = doc.it.spec.objectives[0];
  const { op, value, timeSliceWindow: slice_ms, timeSliceTarget } = objective ?? {};
  if (
    op === undefined ||
    value === undefined ||
    slice_ms === undefined ||
    timeSliceTarget === undefined
  ) {
    const message =
      'an objective of Timeslices needs op, value, timeSliceWindow and timeSliceTarget';
    problems.push(
      problemAt(
        doc.source,
        ['spec', 'objectives', 0],
        message,
        'add them, with timeSliceTarget: 1',
      ),
    );
    return undefined;
  }
  if (series === undefined) return undefined;
  const within_ms = annotationMs(doc.it, 'beat-within');
  if (within_ms === undefined) return { kind: 'level', level: series, slice_ms, op, value };
  if (op !== 'gt' || value !== 0) {
    const message = 'a counter with autoheal.dev/beat-within has to move: op gt, value 0';
    problems.push(problemAt(doc.source, ['spec', 'objectives', 0, 'op'], message, 'write that'));
    return undefined;
  }
  const grace_ms = annotationMs(doc.it, 'grace') ?? GRACE_MS;
  return { kind: 'beats', beat: series, slice_ms, within_ms, grace_ms };
}

function selectorOf(
  doc: Doc<'SLO'>,
  path: Path,
  { metricSource }: Query,
  problems: Problem[],
): Selector | undefined {
  const found = parseSelector(metricSource.spec.query);
  if ('metric' in found) return found;
  const place = [...path, 'metricSource', 'spec', 'query'];
  problems.push(problemAt(doc.source, place, found.message, found.fix));
  return undefined;
}
