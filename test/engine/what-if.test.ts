import { expect, test } from 'vitest';
import { ActionError } from '../../src/action.ts';
import type { Decision } from '../../src/engine/api.ts';
import { askOne, bodyOf, decisionOf, saidBy, wouldIn } from './asking.ts';
import { ANN, DOWN, EASY, pokeRule, show } from './moves.ts';
import { type Rig, type RigOptions, useRig } from './rig.ts';

/** "What would be done?", asked of a real engine on a real store: the same stages, and nothing changes. */
const start = useRig();

const RULES = { 'thing-down': pokeRule() };

test('a new alert: the rules in order, the ladder, the plan with its target, and what would be done', async () => {
  const more = `  - action: set_thing\n    with: { thing: '{{ labels.thing }}', to: 3 }\n    lease: 30m\n${EASY}`;
  const rules = {
    'a-other': pokeRule(EASY, 'a-other').replace('ThingDown', 'Other'),
    'b-off': pokeRule(`enabled: false\n${EASY}`, 'b-off'),
    'thing-down': pokeRule(more),
    'z-late': pokeRule(EASY, 'z-late'),
  };
  const it = await start({ rules });
  const answer = await askOne(it);
  expect(answer).toMatchObject({ status: 'firing', becomes: 'open', episode: null, why: null });
  expect(answer.rules.map(({ would, ...rule }) => ({ ...rule, taken: would !== null }))).toEqual([
    {
      rule: 'a-other',
      matches: false,
      first_failing_matcher: 'alertname="Other"',
      why: null,
      taken: false,
    },
    {
      rule: 'b-off',
      matches: true,
      first_failing_matcher: null,
      why: 'it is disabled',
      taken: false,
    },
    { rule: 'thing-down', matches: true, first_failing_matcher: null, why: null, taken: true },
    {
      rule: 'z-late',
      matches: true,
      first_failing_matcher: null,
      why: 'rule thing-down comes first and does not say continue',
      taken: false,
    },
  ]);
  const would = wouldIn(answer);
  expect(would).toMatchObject({
    remediation: null,
    step: 0,
    ladder: [
      { step: 0, action: 'poke', params: { thing: 'a' }, problem: null, lease_ms: null },
      { step: 1, action: 'set_thing', params: { thing: 'a', to: 3 }, lease_ms: 1_800_000 },
    ],
    plan: {
      params: { thing: 'a' },
      targets: [
        { id: 'thing/a', name: 'a', cmd: 'poke a', observed: 1, desired: null, opted_in: true },
      ],
    },
    decision: { would: 'act', reason: null, until: null, text: 'would act: poke a' },
  });
  expect(would.asked.guards?.planned).toBe(true);
});

test('a rule that says continue: both would act', async () => {
  const rules = {
    'a-first': pokeRule(`continue: true\n${EASY}`, 'a-first'),
    'thing-down': pokeRule(),
  };
  const answer = await askOne(await start({ rules }));
  expect(answer.rules.map(({ would }) => would?.decision.text)).toEqual([
    'would act: poke a',
    'would act: poke a',
  ]);
});

const about = { alertname: null, fingerprint: null, episode: null, target: null };
test.each<[string, Omit<RigOptions, 'world'> | null, (it: Rig) => unknown, Partial<Decision>]>([
  [
    'paused',
    null,
    ({ engine, clock }) =>
      engine.operator.pause({ actor: 'ann', reason: 'release', until: clock.now() + 60_000 }),
    { would: 'wait', reason: 'paused', until: expect.any(Number) as number },
  ],
  [
    'held',
    null,
    ({ machine }) =>
      machine.holds.place({ ...about, ...ANN, rule: 'thing-down', kind: 'hold', until: null }),
    {
      would: 'wait',
      reason: 'held',
      until: null,
      text: 'would wait: held, until it lifts: ann holds rule thing-down: we know',
    },
  ],
  [
    'blind',
    null,
    ({ watch }) => watch.reasons.push('the Watchdog is missing'),
    { would: 'wait', reason: 'blind', until: null },
  ],
  [
    'silenced in Alertmanager',
    null,
    (it) => show(it, DOWN, { state: 'suppressed', silenced_by: ['s-1'] }),
    { would: 'wait', reason: 'silenced' },
  ],
  [
    'of a stranger',
    null,
    ({ world }) => world.strangers.add('a'),
    {
      would: 'refuse',
      reason: 'not_opted_in',
      text: 'would refuse: not_opted_in: a (thing/a): label it autoheal=true',
    },
  ],
  [
    'in approve mode',
    { rules: { 'thing-down': pokeRule(`mode: approve\n${EASY}`) } },
    () => undefined,
    {
      would: 'ask',
      reason: 'approval',
      text: 'would ask a person: approval: the rule asks before it acts; granted, it would act: poke a',
    },
  ],
  [
    'in dry-run',
    { rules: RULES, mode: 'dry-run' },
    () => undefined,
    {
      would: 'preview',
      reason: 'dry_run',
      text: 'would only preview: dry_run: the service is in dry-run: poke a',
    },
  ],
  [
    'with a precondition that nobody can read',
    { rules: { 'thing-down': pokeRule(`when: [{ promql: 'up == 1' }]\n${EASY}`) } },
    () => undefined,
    { would: 'wait', reason: 'precondition' },
  ],
  [
    'locked by another',
    null,
    ({ store }) =>
      store.commit([
        { kind: 'lock', holder: 'another', at: 0, targets: [{ id: 'thing/a', parents: [] }] },
      ]),
    {
      would: 'wait',
      reason: 'busy',
      text: 'would wait: busy, until it lifts: the target is locked by another until its verdict',
    },
  ],
])('an alert %s', async (_name, options, arrange, expected) => {
  const it = await start(options ?? { rules: RULES });
  await arrange(it);
  await it.settle();
  expect(await decisionOf(it)).toMatchObject(expected);
});

test('after a run: the cooldown with its end, and the guards behind the one that stops', async () => {
  const more = "mode: approve\nguard: { cooldown: 5m, limit: ['1/1h'] }\n";
  const first = pokeRule(EASY, 'a-first').replace('ThingDown', 'First');
  const it = await start({ rules: { 'a-first': first, 'thing-down': pokeRule(more) } });
  await it.post({ labels: { ...DOWN, alertname: 'First' } });
  await it.post({ labels: { ...DOWN, alertname: 'First' }, status: 'resolved' });
  await it.engine.operator.pause({ ...ANN, until: null });
  const would = wouldIn(await askOne(it));
  expect(would.decision).toMatchObject({ would: 'wait', reason: 'paused', until: null });
  expect(saidBy(would)).toEqual(['paused wait', 'cooldown wait', 'approval ask']);
  expect(would.plan?.targets[0]?.cmd).toBe('poke a');
  await it.engine.operator.resume(ANN);
  const until = it.clock.now() + 300_000;
  expect(await decisionOf(it)).toMatchObject({ would: 'wait', reason: 'cooldown', until });
});

/* ---------------------------------------------------------------- what fails */

test('a backend that is down: it says so and what comes then, and its breaker counts nothing', async () => {
  const it = await start({ rules: RULES });
  const { breakers } = it.engine;
  for (let n = 0; n < 2; n += 1) {
    breakers.begin('world');
    breakers.end('world', false);
  }
  it.world.onResolve = () => {
    throw new ActionError('unavailable', 'connection refused', { retryable: false });
  };
  const would = wouldIn(await askOne(it));
  expect(would).toMatchObject({ plan: null, unplanned: 'unavailable: connection refused' });
  expect(would.decision).toMatchObject({
    would: 'fail',
    text: 'would fail before it begins: unavailable: connection refused; then a human is told (log)',
  });
  expect(would.asked.guards?.planned).toBe(false);
  expect(breakers.state('world')).toBe('closed');
  breakers.begin('world');
  breakers.end('world', false);
  expect(await decisionOf(it)).toMatchObject({ would: 'wait', reason: 'breaker_open' });
});

test('a question that a half-open breaker lets through is not its trial', async () => {
  const it = await start({ rules: RULES });
  for (let n = 0; n < 3; n += 1) {
    it.engine.breakers.begin('world');
    it.engine.breakers.end('world', false);
  }
  await it.advance(31_000);
  expect(it.engine.breakers.state('world')).toBe('half_open');
  expect(await decisionOf(it)).toMatchObject({ would: 'act' });
  expect(it.engine.breakers.state('world')).toBe('half_open');
});

test('parameters that cannot be rendered: the step has the problem, and the next one is named', async () => {
  const text = pokeRule(`  - action: poke\n    with: { thing: '{{ labels.thing }}' }\n${EASY}`);
  const rule = text.replace("{{ labels.thing }}'", '{{ annotations.gone | default "" }}\'');
  const would = wouldIn(await askOne(await start({ rules: { 'thing-down': rule } })));
  expect(would.ladder.map(({ params }) => params)).toEqual([null, { thing: 'a' }]);
  expect(would.ladder[0]?.problem).toMatch(/^after rendering, thing/);
  expect(would.decision.text).toMatch(
    /^would fail before it begins: invalid_params: after rendering.*; then step 2, poke$/,
  );
});

test('an action that changes something while it is planned is refused', async () => {
  const it = await start({ rules: RULES });
  const { flags, notifiers, silences, commands } = it.engine.clients;
  const tried: unknown[] = [];
  it.world.onResolve = async () => undefined;
  const poke = it.engine.actions.get('poke');
  if (poke === undefined) throw new Error('no poke');
  const actions = new Map(it.engine.actions).set('poke', {
    ...poke,
    async resolve(params, context) {
      const { clients } = context;
      expect([clients.flags, clients.notifiers, clients.silences, clients.commands]).not.toEqual([
        flags,
        notifiers,
        silences,
        commands,
      ]);
      const cause = { actor: 'x', remediation: null, rule: null, reason: 'x' };
      await clients.flags.compareAndSet('f', true, false, cause).catch((error: unknown) => {
        tried.push(error);
      });
      return poke.resolve(params, context);
    },
  });
  const { createWhatIf } = await import('../../src/engine/what-if.ts');
  const asking = createWhatIf({ ...it.engine, actions }, it.watch.view);
  expect((await asking.payload(bodyOf({}))).alerts).toHaveLength(1);
  expect(tried).toEqual([expect.objectContaining({ code: 'forbidden' })]);
});
