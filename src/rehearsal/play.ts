import { AutohealError } from '../core/errors.ts';
import { formatDuration } from '../core/duration.ts';
import type { Labels } from '../core/json.ts';
import { doDeed } from './deeds.ts';
import { covers } from './labels.ts';
import type { Rehearsal } from './rehearsal.ts';
import type { RuleTest, TestEvent } from './test-schema.ts';
import { worldSpecOf } from './test-world.ts';
import { webhookBody } from './webhook-body.ts';

/** Something that fires, as Alertmanager would repeat it. Times in ms since the epoch. */
interface Firing {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly starts_at: number;
  readonly every_ms: number | null;
  again_at: number;
}

/**
 * Plays the timeline to its end. At one instant what falls due comes before what the file says, and events
 * come in the order of the file. @returns what of it could not be done, in words.
 */
export async function play(test: RuleTest, rehearsal: Rehearsal): Promise<readonly string[]> {
  const { start } = test;
  const problems: string[] = [];
  const firing: Firing[] = [];
  const events = test.timeline.toSorted((a, b) => a.at - b.at);

  async function repeatUntil(end: number, inclusive: boolean): Promise<void> {
    for (;;) {
      const next = firing.reduce<Firing | undefined>(
        (first, one) => (first === undefined || one.again_at < first.again_at ? one : first),
        undefined,
      );
      if (next === undefined || next.again_at > end || (!inclusive && next.again_at === end))
        return;
      await rehearsal.advanceTo(next.again_at);
      next.again_at += next.every_ms ?? Number.POSITIVE_INFINITY;
      await send([next], null, rehearsal);
    }
  }

  for (const event of events) {
    const at = start + event.at;
    await repeatUntil(at, false);
    await rehearsal.advanceTo(at);
    try {
      await happen(event, firing, rehearsal);
    } catch (error) {
      if (!(error instanceof AutohealError)) throw error;
      problems.push(`timeline, at ${formatDuration(event.at)}: ${error.message}`);
    }
  }
  const end = start + endOf(test);
  await repeatUntil(end, true);
  await rehearsal.advanceTo(end);
  return problems;
}

/** When the story ends, ms since its start. */
export function endOf({ until, timeline, expect }: RuleTest): number {
  return until ?? Math.max(0, ...timeline.map(({ at }) => at), ...expect.map(({ at = 0 }) => at));
}

async function happen(event: TestEvent, firing: Firing[], rehearsal: Rehearsal): Promise<void> {
  const { fire, resolve, world, action, operator } = event;
  if (fire !== undefined) await begin(fire, firing, rehearsal);
  if (resolve !== undefined) await over(resolve, firing, rehearsal);
  if (world !== undefined) {
    rehearsal.world.change(worldSpecOf(world));
    for (const [flag, value] of Object.entries(world.flags ?? {}))
      await rehearsal.flags.set(flag, value, { actor: 'world', reason: 'it changed' });
  }
  if (action !== undefined) {
    const { fails, target, times } = action;
    rehearsal.world.script({
      action: action.action,
      times,
      outcome: fails === undefined ? { hangs: true } : { fails },
      ...(target === undefined ? {} : { target }),
    });
  }
  if (operator !== undefined) await doDeed(operator, rehearsal);
  await rehearsal.settle();
}

async function begin(
  { labels, annotations, every }: NonNullable<TestEvent['fire']>,
  firing: Firing[],
  rehearsal: Rehearsal,
): Promise<void> {
  const now = rehearsal.now();
  const at = firing.findIndex((one) => covers(one.labels, labels) && covers(labels, one.labels));
  const [before] = at === -1 ? [] : firing.splice(at, 1);
  const one: Firing = {
    labels,
    annotations,
    starts_at: before?.starts_at ?? now,
    every_ms: every ?? null,
    again_at: now + (every ?? Number.POSITIVE_INFINITY),
  };
  firing.push(one);
  rehearsal.world.fire(one);
  await send([one], null, rehearsal);
}

async function over(labels: Labels, firing: Firing[], rehearsal: Rehearsal): Promise<void> {
  const gone = firing.filter((one) => covers(one.labels, labels));
  if (gone.length === 0)
    throw new AutohealError('conflict', `nothing fires with the labels ${JSON.stringify(labels)}`);
  for (const one of gone) {
    firing.splice(firing.indexOf(one), 1);
    rehearsal.world.resolve(one.labels);
  }
  await send(gone, rehearsal.now(), rehearsal);
}

function send(
  alerts: readonly Firing[],
  ends_at: number | null,
  rehearsal: Rehearsal,
): Promise<void> {
  const body = webhookBody(alerts.map((alert) => ({ ...alert, ends_at })));
  return rehearsal.deliver(body, 'alertmanager');
}
