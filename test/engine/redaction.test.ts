import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newWorld } from '../fakes/world.ts';
import { type Rig, type RigOptions, useRig } from './rig.ts';

const start = useRig();

const POKE = `
name: thing-down
summary: Pokes a thing that is down.
matchers: ['alertname="ThingDown"', 'thing=~".+"']
steps:
  - action: poke
    with: { thing: '{{ labels.thing }}' }
    verify: { within: 5m, resolved: true }
`;
const USES_IT = POKE.replace("'{{ labels.thing }}'", `'{{ annotations.thing | default "a" }}'`);
const SECRET = 'planted-customer-0815';

async function deliver(rig: Rig): Promise<void> {
  const alert = {
    status: 'firing',
    labels: { alertname: 'ThingDown', thing: 'a' },
    annotations: { description: `about ${SECRET}`, summary: 'kept' },
    startsAt: new Date(rig.clock.now()).toISOString(),
  };
  const body = { version: '4', status: 'firing', message: SECRET, alerts: [alert] };
  await rig.machine.intake.accept({
    body: Buffer.from(JSON.stringify(body)),
    source: 'alertmanager',
    trace_id: null,
    parent_span_id: null,
  });
  await rig.settle();
}

/** Everything that the store wrote, as bytes. */
function written(rig: Rig): string {
  const names = readdirSync(rig.dir).filter((name) => name.startsWith('autoheal.db'));
  return names.map((name) => readFileSync(join(rig.dir, name), 'latin1')).join();
}

function options(part: Partial<RigOptions>): RigOptions {
  return { rules: { 'thing-down': POKE }, world: newWorld({ a: 1 }), ...part };
}

test('what the policy redacts is never written, and the alert is healed all the same', async () => {
  const rig = await start(options({ policy: 'redact: { annotations: [description] }\n' }));
  await deliver(rig);
  const { items } = await rig.store.listEpisodes({ limit: 1 });
  expect(items[0]?.annotations).toEqual({ description: '[redacted]', summary: 'kept' });
  expect(await rig.story()).toContain('action_ok');
  expect(written(rig)).toContain('kept');
  expect(written(rig)).not.toContain(SECRET);
});

test('without it the body is stored as it came', async () => {
  const rig = await start(options({}));
  await deliver(rig);
  expect(written(rig)).toContain(SECRET);
});

test.each([
  [
    'rules do not compile',
    { rules: { 'thing-down': 'name: [' } },
    'redact: { annotations: [description] }\n',
  ],
  ['the policy does not compile', {}, 'redact: { annotations: [description] }\nnonsense: 1\n'],
  ['the policy is no YAML', {}, 'redact: { annotations: [description] \nx: [\n'],
])('nor while %s', async (_, part, policy) => {
  const rig = await start(options({ ...part, policy }));
  expect(rig.engine.rulebook.current()).toBeUndefined();
  await deliver(rig);
  expect(written(rig)).toContain('ThingDown');
  expect(written(rig)).not.toContain(SECRET);
});

test('a broken policy that does not redact costs no annotation', async () => {
  const rig = await start(options({ policy: 'nonsense: 1\n' }));
  await deliver(rig);
  expect(written(rig)).toContain(SECRET);
});

test('a rule that looks up what is redacted is refused, with the place', async () => {
  const rig = await start(options({}));
  rig.setRules({ 'thing-down': USES_IT });
  expect(await rig.engine.rulebook.reload('test')).toMatchObject({ ok: true });

  const strict = await start(
    options({ rules: { 'thing-down': USES_IT }, policy: 'redact: { annotations: [thing] }\n' }),
  );
  const last = strict.engine.rulebook.last();
  expect(last).toMatchObject({ ok: false, problems: [{ file: 'rules/thing-down.yaml', line: 7 }] });
  expect(last?.ok === false && last.rendered).toContain('is redacted by the policy');
});
