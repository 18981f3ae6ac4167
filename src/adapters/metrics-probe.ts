import { SELF_PROBE_RESULTS, type SelfProbeMetrics } from '../ports.ts';
import { counter, histogram } from './metrics-series.ts';
import type { Registry } from './prom-client.ts';

/** What autoheal found when it posted to itself; none of it is among the numbers of deliveries. */
export function probeMetrics(registry: Registry): SelfProbeMetrics {
  const probes = counter(
    registry,
    'autoheal_self_probe_total',
    'Deliveries that autoheal posted to its own listener, by what became of them; refused: it answered, with a no. They are in no other number of deliveries',
    { result: SELF_PROBE_RESULTS },
  );
  const seconds = histogram(
    registry,
    'autoheal_self_probe_seconds',
    'From connecting to its own listener to the answer that the delivery is on disk; failures take their time too',
    {},
  );
  return {
    selfProbe(result, took) {
      probes.inc({ result });
      seconds.observe({}, took);
    },
  };
}
