import { expect, test } from 'vitest';
import { NO_TRACER } from '../../src/adapters/tracing.ts';
import { spanIdFrom } from '../../src/core/trace.ts';
import type { Fault, Tracer } from '../../src/ports.ts';
import { newWorld } from '../fakes/world.ts';
import { type Rig, useRig } from './rig.ts';

const start = useRig();
const TRACE = 'ab'.repeat(16);

const POKE = `
name: thing-down
summary: Pokes a thing that is down.
matchers: ['alertname="ThingDown"', 'thing=~".+"']
steps:
  - action: poke
    with: { thing: '{{ labels.thing }}' }
    verify: { within: 5m, resolved: true }
`;

interface Told {
  readonly error: unknown;
  readonly about: Fault;
}

/** Work runs untraced; faults are kept. */
function listening(told: Told[]): Tracer {
  return { ...NO_TRACER, fault: (error, about) => void told.push({ error, about }) };
}

async function startListening(): Promise<{ readonly rig: Rig; readonly told: Told[] }> {
  const told: Told[] = [];
  const rig = await start({
    rules: { 'thing-down': POKE },
    world: newWorld({ a: 1 }),
    tracer: listening(told),
  });
  return { rig, told };
}

async function deliver(rig: Rig): Promise<string> {
  const startsAt = new Date(rig.clock.now()).toISOString();
  const labels = { alertname: 'ThingDown', thing: 'a' };
  const alerts = [{ status: 'firing', labels, annotations: {}, startsAt }];
  const { delivery } = await rig.machine.intake.accept({
    body: Buffer.from(JSON.stringify({ version: '4', status: 'firing', alerts })),
    source: 'alertmanager',
    trace_id: TRACE,
    parent_span_id: null,
  });
  await rig.settle();
  return delivery;
}

/** The next `count` calls fail with the error. */
function failing(error: Error, count: number): () => void {
  let left = count;
  return () => {
    left -= 1;
    if (left >= 0) throw error;
  };
}

test('a fault in the drain is told under the span of its delivery', async () => {
  const { rig, told } = await startListening();
  const wrong = new TypeError('not expected');
  const [rule] = rig.engine.rulebook.current()?.rules ?? [];
  const [matcher] = rule?.matchers ?? [];
  if (matcher === undefined) throw new Error('the rule did not load');
  // The rule itself breaks when it is matched.
  Object.assign(matcher, { test: failing(wrong, Number.POSITIVE_INFINITY) });
  const delivery = await deliver(rig);
  expect(told[0]).toEqual({
    error: wrong,
    about: { where: 'drain', parent: { trace_id: TRACE, span_id: spanIdFrom(delivery) } },
  });
});

test('a fault while a remediation is worked on is told under the span of the remediation', async () => {
  const { rig, told } = await startListening();
  const wrong = new TypeError('not expected');
  rig.hooks.set('activeLease', failing(wrong, 1));
  await deliver(rig);
  const { items } = await rig.store.listRemediations({ limit: 1 });
  expect(told).toEqual([
    {
      error: wrong,
      about: {
        where: 'worker',
        parent: { trace_id: TRACE, span_id: spanIdFrom(items[0]?.id ?? '') },
      },
    },
  ]);
});

test('a round of a loop that fails is told once a minute, not with each round', async () => {
  const { rig, told } = await startListening();
  const wrong = new Error('the database is away');
  rig.hooks.set('nextDue', failing(wrong, 5));
  await deliver(rig);
  await rig.advance(10_000);
  expect(told.filter(({ about }) => about.where === 'loop')).toEqual([
    { error: wrong, about: { where: 'loop' } },
  ]);
});
