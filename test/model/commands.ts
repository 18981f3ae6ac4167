import { fingerprintOf } from '../../src/core/alerts/fingerprint.ts';
import type { Delivery, Model } from './harness.ts';
import { type Command, type Of, plainly } from './plays.ts';
import { ALERTS, PROMQL, rulesFor, THINGS } from './rules.ts';

/** Between two alerts that flap. */
const FLAP_MS = 2_000;
/** After so long an outage has been noticed. */
const NOTICED_MS = 60_000;

/** Carries out one command and, but where it races, lets everything run that can. */
export async function carryOut(command: Command, cast: readonly number[], model: Model) {
  await begin(command, cast, model);
  const races = command.do === 'say' && command.how === 'race';
  if (!races) await model.settle();
}

const HANDLERS: {
  readonly [W in Command['do']]: (
    command: Of<W>,
    model: Model,
    cast: readonly number[],
  ) => void | Promise<void>;
} = {
  say: (command, model, cast) => sayIt(command, model, cast),
  stumble: (command, model, cast) => stumble(command, model, cast),
  storm: async (_command, model, cast) => {
    for (const index of cast.keys()) await sayIt(plainly(index), model, cast);
  },
  flap: async ({ who: index, times }, model, cast) => {
    for (let n = 0; n < times; n += 1) {
      await sayIt(plainly(index), model, cast);
      await model.settle();
      await sayIt({ ...plainly(index), status: 'resolved' }, model, cast);
      await model.advance(FLAP_MS);
    }
  },
  late: ({ newest }, { late, post }) => {
    const delivery = newest ? late.pop() : late.shift();
    return delivery === undefined ? undefined : post(delivery);
  },
  wait: ({ ms }, { advance }) => advance(ms),
  jump: ({ ms, loops_first }, { jump }) => jump(ms, loops_first),
  die: ({ point, nth, down_ms }, { kill, dieAt }) =>
    point === 'now' ? kill(down_ms) : dieAt(point, nth, down_ms),
  meanwhile: ({ point, quick: act }, model, cast) =>
    model.meanwhile(point, async () => begin(act, cast, model)),
  faults: ({ faults }, { world }) => {
    world.faults.push(...faults);
  },
  probes: ({ tell }, { world }) => {
    world.probes = tell;
  },
  promql: ({ state }, { promql }) => {
    if (state === 'away') promql.delete(PROMQL);
    else promql.set(PROMQL, state === 'true');
  },
  peer: (command, { symptoms }) => symptoms.setUp(command.peer, command.up),
  peers: ({ up }, { symptoms }) => {
    for (const index of [0, 1]) symptoms.setUp(index, up);
  },
  empty: ({ peer, resend_ms, ms }, { symptoms, advance }) => {
    for (const index of [0, 1])
      if (peer === index || peer === 2) symptoms.restart(index, resend_ms);
    return advance(ms);
  },
  outage: async ({ meanwhile, ms }, model, cast) => {
    for (const index of [0, 1]) model.symptoms.setUp(index, false);
    await model.advance(NOTICED_MS);
    await begin(meanwhile, cast, model);
    await model.advance(ms);
    for (const index of [0, 1]) model.symptoms.setUp(index, true);
  },
  rules: ({ set }, model) => {
    model.setRules(set);
    return model.attempt(() => model.life().engine.rulebook.reload('ann'));
  },
  change: ({ thing, to }, { setThing }) => setThing(Object.keys(THINGS)[thing] ?? 'a', to),
  pause: (_command, model) =>
    operate(model, (life) => life.engine.operator.pause({ ...ANN, until: null })),
  resume: (_command, model) => operate(model, (life) => life.engine.operator.resume(ANN)),
  hold: holdIt,
  unhold: (command, model) =>
    operate(model, async ({ machine }) => {
      const hold = chosen(await machine.holds.standing(), command.who);
      if (hold !== undefined) await machine.holds.end(hold.id, ANN);
    }),
  answer: (command, model) =>
    operate(model, async ({ machine }) => {
      const asked = chosen(await machine.approvals.open(), command.who);
      if (asked === undefined) return;
      const { remediation_id, plan_hash } = asked;
      const answer = { ...ANN, plan_hash, role: 'operator' as const };
      await machine.approvals[command.grant ? 'grant' : 'deny'](remediation_id, answer);
    }),
  cancel: (command, model) =>
    operate(model, async ({ machine, store }) => {
      const { items } = await store.listRemediations({ limit: 10 });
      const remediation = chosen(items, command.who);
      if (remediation !== undefined) await machine.operations.cancel(remediation.id, ANN);
    }),
  undo: (command, model) =>
    operate(model, async ({ machine, store }) => {
      const lease = chosen(await store.activeLeases(), command.who);
      const holder = lease?.holders.at(-1);
      if (holder !== undefined) await machine.operations.undo(holder.remediation_id, ANN);
    }),
  run: (command, model, cast) =>
    operate(model, ({ machine }) => {
      const rule = chosen(rulesFor(0, cast), command.rule)?.name ?? '';
      const fingerprint = fingerprintOf(ALERTS[chosen(cast, command.who) ?? 0] ?? {});
      return machine.operations.run({ ...ANN, rule, fingerprint });
    }),
};

const ANN = { actor: 'ann', reason: 'says so' };

async function begin(command: Command, cast: readonly number[], model: Model): Promise<void> {
  const handle = HANDLERS[command.do] as (
    command: Command,
    model: Model,
    cast: readonly number[],
  ) => void | Promise<void>;
  await handle(command, model, cast);
}

function operate(
  model: Model,
  work: (life: ReturnType<Model['life']>) => Promise<unknown>,
): Promise<void> {
  return model.attempt(() => work(model.life()));
}

function chosen<T>(list: readonly T[], number: number): T | undefined {
  return list[number % Math.max(1, list.length)];
}

/** The symptom changes, and a peer tells of it, as well as it can. */
async function sayIt(command: Of<'say'>, model: Model, cast: readonly number[]): Promise<void> {
  const alert = chosen(cast, command.who) ?? 0;
  const firing = command.status === 'firing';
  const { symptoms, clock } = model;
  const before = symptoms.firingSince(ALERTS[alert] ?? {});
  if (firing !== (before !== undefined)) model.setFiring(alert, firing);
  const starts_at = symptoms.firingSince(ALERTS[alert] ?? {}) ?? before ?? clock.now();
  const { status, peer: from, source } = command;
  const ends_at = firing ? null : clock.now();
  const delivery: Delivery = { alert, status, peer: from, source, starts_at, ends_at };
  if (command.how === 'late') model.late.push(delivery);
  if (command.how === 'late' || command.how === 'lost') return;
  const copies = command.how === 'twice' ? [delivery, delivery] : [delivery];
  await Promise.all(copies.map((each) => model.post(each)));
}

/** An alert fires, and its action goes wrong, perhaps while something else happens. */
async function stumble(
  { who: index, over, meanwhile: other }: Of<'stumble'>,
  model: Model,
  cast: readonly number[],
): Promise<void> {
  if (over === 'die_before') model.dieAt('before_act', 0, 0);
  else if (over === 'die_after') model.dieAt('after_act', 0, 0);
  else model.world.faults.unshift(over);
  if (other !== null) model.meanwhile('before_act', () => begin(other, cast, model));
  await sayIt(plainly(index), model, cast);
}

async function holdIt(command: Of<'hold'>, model: Model, cast: readonly number[]): Promise<void> {
  const alert = ALERTS[chosen(cast, command.who) ?? 0] ?? {};
  const fingerprint = fingerprintOf(alert);
  const until = model.clock.now() + command.wait_ms;
  const nothing = { alertname: null, fingerprint: null, episode: null, rule: null, target: null };
  await operate(model, async ({ machine, store }) => {
    if (command.about === 'episode') {
      const episode = (await store.latestEpisodes([fingerprint])).get(fingerprint)?.id ?? 'none';
      return machine.holds.acknowledge({ ...ANN, episode, until });
    }
    const values = {
      rule: chosen(rulesFor(0, cast), command.who)?.name ?? null,
      target: `thing/${alert['thing'] ?? 'q'}`,
      fingerprint,
    };
    const about = { ...nothing, [command.about]: values[command.about] };
    return machine.holds.place({ ...about, ...ANN, kind: 'hold', until });
  });
}
