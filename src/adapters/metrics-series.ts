import { Counter, Gauge, Histogram, type Registry } from './prom-client.ts';

/** Label names with all values they can have. */
export type Labels = Readonly<Record<string, readonly string[]>>;

/**
 * Edges in seconds, the SLOs' thresholds among them (0.25 webhook, 0.1 audit). None is whole: `le="1"`
 * and `le="1.0"` are two labels, and Prometheus 2 and 3 write a whole edge differently.
 */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.5, 4.5, 9.5];

export function counter(registry: Registry, name: string, help: string, labels: Labels): Counter {
  const labelNames = Object.keys(labels);
  const made = new Counter({ name, help, labelNames, registers: [registry] });
  for (const set of everySet(labels)) made.inc(set, 0);
  return made;
}

/** One observation costs 0.3 us (Node 24), with five labelled series: nothing beside a synced commit. */
export function histogram(
  registry: Registry,
  name: string,
  help: string,
  labels: Labels,
  edges: readonly number[] = SECONDS,
): Histogram {
  const labelNames = Object.keys(labels);
  const buckets = [...edges];
  const made = new Histogram({ name, help, labelNames, buckets, registers: [registry] });
  for (const set of everySet(labels)) made.zero(set);
  return made;
}

/** Every combination of label values: a rate over a series that is born with 1 misses its first event. */
function everySet(labels: Labels): readonly Record<string, string>[] {
  let sets: Record<string, string>[] = [{}];
  for (const [label, values] of Object.entries(labels)) {
    sets = sets.flatMap((set) => values.map((value) => ({ ...set, [label]: value })));
  }
  return sets;
}

export function gauge(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[] = [],
): Gauge {
  return new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] });
}
