import { expect, test } from 'vitest';
import { GUARD_WORDS, type GuardWord } from '../../src/core/healing/guard-words.ts';
import { EXPLAIN_ROUTES } from '../../src/http/explain.ts';
import { newWorld } from '../fakes/world.ts';
import { ANN, DOWN, EASY, pokeRule } from './moves.ts';
import { type Rig, useRig } from './rig.ts';

/** "Why not?", answered from the rows of a real store: what the guards said is kept with the remediation. */
const start = useRig();

interface Said {
  readonly guard: GuardWord;
  readonly verdict: string | null;
  readonly detail: string | null;
}
interface Explained {
  readonly rules: readonly object[];
  readonly remediations: readonly { readonly guards: readonly Said[] }[];
}

/** The route's answer about the newest episode of the alert, as its schema describes it. */
async function explain({ store, machine }: Rig, alertname = DOWN.alertname): Promise<Explained> {
  const [route] = EXPLAIN_ROUTES;
  const [episode] = (await store.listEpisodes({ limit: 1, alertname })).items;
  const deps = { store, what_if: machine.what_if };
  const call = { deps, query: { episode: episode?.id } };
  const answer = await route?.handle(call as unknown as Parameters<typeof route.handle>[0]);
  return route?.answers[200]?.schema?.parse(answer?.body) as Explained;
}
/** What the guards of the last remediation said that is neither "allow" nor "not asked". */
function held({ remediations }: Explained): string[] {
  const guards = remediations.at(-1)?.guards ?? [];
  expect(guards.map(({ guard }) => guard)).toEqual(GUARD_WORDS);
  return guards
    .filter(({ verdict, detail }) => (verdict !== 'allow' && verdict !== null) || detail !== null)
    .map(({ guard, verdict, detail }) => `${guard} ${verdict}: ${detail}`);
}

test('before there is a plan: what holds it, and the guards on a plan were not asked', async () => {
  const it = await start({ rules: { 'thing-down': pokeRule() } });
  const about = { alertname: null, fingerprint: null, episode: null, target: null };
  await it.machine.holds.place({ ...about, rule: 'thing-down', kind: 'hold', until: null, ...ANN });
  it.watch.reasons.push('the Watchdog is missing');
  await it.post({ labels: DOWN });
  const explained = await explain(it);
  expect(held(explained)).toEqual([
    'held wait: ann holds rule thing-down: we know',
    'blind wait: the Watchdog is missing',
  ]);
  const guards = explained.remediations[0]?.guards ?? [];
  expect(guards.find(({ guard }) => guard === 'cooldown')?.verdict).toBeNull();
  expect(guards.find(({ guard }) => guard === 'paused')?.verdict).toBe('allow');
});

test('with a plan: every guard that holds it, also those behind the first', async () => {
  const more = "mode: approve\nguard: { cooldown: 5m, limit: ['1/1h'] }\n";
  const first = pokeRule(EASY, 'a-first').replace('ThingDown', 'First');
  const rules = { 'a-first': first, 'thing-down': pokeRule(more) };
  const it = await start({ rules });
  await it.post({ labels: { ...DOWN, alertname: 'First' } });
  await it.post({ labels: { ...DOWN, alertname: 'First' }, status: 'resolved' });
  await it.post({ labels: DOWN });
  const explained = await explain(it);
  expect(held(explained)).toEqual([
    'cooldown wait: thing/a was remediated 0s ago',
    'approval ask: the rule asks before it acts',
  ]);
  expect(explained.rules).toMatchObject([
    { rule: 'a-first', matches: false, first_failing_matcher: 'alertname="First"' },
    { rule: 'thing-down', matches: true, first_failing_matcher: null, why: null },
  ]);
});

test('what came between the guards and the commit is said as well', async () => {
  const it = await start({ rules: { 'thing-down': pokeRule() } });
  it.hooks.set('runStarts', async () => {
    it.hooks.clear();
    const targets = [{ id: 'thing/a', parents: [] }];
    await it.store.commit([{ kind: 'lock', holder: 'another', at: 0, targets }]);
  });
  await it.post({ labels: DOWN });
  expect(held(await explain(it))).toEqual([
    'busy wait: target_locked: thing/a is locked by another',
  ]);
});

test('the breaker, which is asked before the plan, is said as well', async () => {
  const it = await start({ rules: { 'thing-down': pokeRule() } });
  for (let n = 0; n < 3; n += 1) {
    it.engine.breakers.begin('world');
    it.engine.breakers.end('world', false);
  }
  await it.post({ labels: DOWN });
  expect(held(await explain(it))).toEqual([
    'breaker_open wait: calls to world failed; its breaker is open',
  ]);
});

test('what let it through is kept with the run, and what only reports with it', async () => {
  const policy = 'common_cause: { targets: 2, within: 2m }\n';
  const world = newWorld({ a: 1, b: 1 });
  const it = await start({ rules: { 'thing-down': pokeRule() }, policy, world });
  await it.post({ labels: { ...DOWN, thing: 'b' } });
  await it.post({ labels: DOWN });
  expect(world.acts).toEqual(['poke b', 'poke a']);
  expect(held(await explain(it))).toEqual([
    'common_cause allow: 2 alerts asked for healing within 2m: rather one cause (network, monitoring) than so many',
  ]);
});
