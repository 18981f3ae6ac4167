import { afterEach, expect, test } from 'vitest';
import { type Answer, type FakeServer, serve } from '../fakes/http.ts';
import { newWorld } from '../fakes/world.ts';
import { turn } from '../fakes/clock.ts';
import { type Rig, useRig } from './rig.ts';

const start = useRig();
let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const TURNS_MAX = 20_000;

function rule(verify: string): string {
  return `
name: thing-down
summary: Restarts a thing.
matchers: ['alertname="ThingDown"', 'thing=~".+"']
steps:
  - { action: poke, with: { thing: a }, verify: { within: 1m, ${verify} } }
`;
}
const DOWN = { alertname: 'ThingDown', thing: 'a b/../c' };

/** Sockets answer in their own time, which the moved clock knows nothing of. */
async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  for (let turns = 0; turns < TURNS_MAX; turns += 1) {
    if (await what()) return;
    await turn();
  }
  throw new Error('it never came');
}

async function verdicts({ audit }: Rig): Promise<readonly unknown[]> {
  const entries = await audit({ kind: ['verify_ok', 'verify_fail'] });
  return entries.map(({ kind, reason, detail }) => [kind, reason, detail?.['found']]);
}

async function checks({ store, audit }: Rig): Promise<number> {
  const id = (await audit({ kind: ['action_start'] }))[0]?.remediation ?? '';
  return (await store.remediation(id))?.verify?.checks ?? 0;
}

test('HTTP: what does not answer as it should is not healed yet; what does is', async () => {
  const answers: Answer[] = [{ status: 503 }, { status: 204 }];
  server = await serve(() => answers.shift() ?? { status: 500 });
  const url = `http://127.0.0.1:${server.port}/things/{{ labels.thing }}`;
  const rig = await start({
    rules: { 'thing-down': rule(`http: { url: '${url}', status: [204] }`) },
    world: newWorld({ a: 1 }),
  });
  await rig.post({ labels: DOWN });
  await until(async () => (await checks(rig)) === 1);
  expect(await verdicts(rig)).toEqual([]);
  await rig.advance(4_000);
  await until(async () => (await verdicts(rig)).length === 1);
  expect(await verdicts(rig)).toEqual([
    ['verify_ok', null, `127.0.0.1:${server.port} answered 204`],
  ]);
  expect(server.requests.map(({ path }) => path)).toEqual(Array(2).fill('/things/a%20b%2F..%2Fc'));
});

test('TCP: an address that a label spoils is no evidence', async () => {
  server = await serve(() => ({ status: 200 }));
  const { port } = server;
  const rig = await start({
    rules: { 'thing-down': rule(`tcp: '{{ labels.at | default "127.0.0.1:${port}" }}'`) },
    world: newWorld({ a: 1 }),
  });
  await rig.post({ labels: { ...DOWN, at: '::1:80' } });
  await rig.advance(61_000);
  await until(async () => (await verdicts(rig)).length === 1);
  expect(await verdicts(rig)).toEqual([
    ['verify_fail', 'inconclusive', '"::1:80" can be read in two ways; write [::1]:80'],
  ]);
});

test('TCP: a port that takes connections is healed', async () => {
  server = await serve(() => ({ status: 200 }));
  const { port } = server;
  const rig = await start({
    rules: { 'thing-down': rule(`tcp: '127.0.0.1:${port}'`) },
    world: newWorld({ a: 1 }),
  });
  await rig.post({ labels: DOWN });
  await until(async () => (await verdicts(rig)).length === 1);
  expect(await verdicts(rig)).toEqual([['verify_ok', null, `127.0.0.1:${port} takes connections`]]);
});
