import { formatDuration } from '../duration.ts';
import { type Beats, type Level, selectorText, seriesOf, type Slo } from './model.ts';
import { type Context, group, groupName, labelsOf, record } from './records.ts';
import { BEAT_MIN_MS, scaledMs, sliceMs } from './windows.ts';

/** Whether a service's series are there is looked at this often; the coverage counts it. */
export const SEEN_MS = 60_000;

/** Groups that record, slice by slice, whether it was bad, and of other services whether they were seen. */
export function sliceGroups(context: Context): readonly string[] {
  const { set, family, scale } = context;
  if (set.job !== null) {
    const beats = set.slos.flatMap(({ indicator, period_ms }) =>
      indicator.kind === 'beats' ? [{ indicator, period_ms }] : [],
    );
    return beats.flatMap(({ indicator, period_ms }) =>
      group(groupName(context, 'slices'), formatDuration(sliceMs(indicator.slice_ms, scale)), [
        record(
          family,
          'heartbeat_bad:slice',
          { drill: 'false' },
          beatSlice(indicator, period_ms, scale),
        ),
      ]),
    );
  }
  const seen = set.slos.map((slo) =>
    record(
      family,
      'slo_seen:slice',
      labelsOf(context, slo),
      `group(${selectorText(seriesOf(slo))})`,
    ),
  );
  return [
    ...group(groupName(context, 'seen'), formatDuration(SEEN_MS), seen),
    ...[...Map.groupBy(set.slos.filter(isSliced), sliceOf)].flatMap(([slice_ms, slos]) =>
      group(
        groupName(context, `slices-${formatDuration(slice_ms)}`),
        formatDuration(slice_ms),
        slos.map((slo) =>
          record(family, 'slo_bad:slice', labelsOf(context, slo), sliceExpr(slo, scale)),
        ),
      ),
    ),
  ];
}

/** Counted in slices, not in events. */
export function isSliced({ indicator }: Slo): boolean {
  return indicator.kind !== 'events';
}

/** Ms. */
export function sliceOf({ indicator }: Slo): number {
  return indicator.kind === 'events' ? SEEN_MS : indicator.slice_ms;
}

function sliceExpr({ indicator, period_ms }: Slo, scale: number): string {
  if (indicator.kind === 'beats') return beatSlice(indicator, period_ms, scale);
  return indicator.kind === 'level' ? levelSlice(indicator) : '';
}

/**
 * A slice is bad without a beat. Once the service has been seen, no data is bad too. There is none for
 * drills: between them their counter stands still, which is no outage.
 */
function beatSlice({ beat, within_ms, grace_ms }: Beats, period_ms: number, scale: number): string {
  const beats = selectorText(beat);
  const within = formatDuration(scaledMs(within_ms, scale, BEAT_MIN_MS));
  const grace = formatDuration(scaledMs(grace_ms, scale, BEAT_MIN_MS));
  const seen = `group(last_over_time(${beats}[${formatDuration(period_ms)}] offset ${grace}))`;
  return `(
  1 - ((sum(increase(${beats}[${within}])) > bool 0) or vector(0))
  and on () ${seen}
)
or
0 * sum(${beats})`;
}

/** The worst of its series decides; no data says nothing, and is what the absence alert is for. */
function levelSlice({ level, op, value }: Level): string {
  const worst = op.startsWith('l') ? 'max' : 'min';
  const wrong = { lt: '>=', lte: '>', gt: '<=', gte: '<' }[op];
  return `${worst}(${selectorText(level)}) ${wrong} bool ${value}`;
}
