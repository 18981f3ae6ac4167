import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/adapters/store/open.ts';
import type { Json } from '../../src/core/json.ts';
import { fingerprintOf } from '../../src/core/alerts/fingerprint.ts';
import { type Symptoms, symptoms } from './alertmanager.ts';
import { type ModelClock, modelClock } from './clock.ts';
import type { Entry } from './journal.ts';
import { type Life, type Point, startLife, turn } from './process.ts';
import { ALERTS, PROMQL, rulesFor, THINGS } from './rules.ts';
import type { ModelWorld } from './world.ts';

/** Turns without any work after which nothing goes on by itself. */
const QUIET_TURNS = 3;
/** Turns that somebody who comes in between has for its own work. */
const RACE_TURNS = 10;
/** Steps of one wait; more means that something goes round without end. */
const STEPS_MAX = 1_000;
/** Turns without a pause; more means the same. */
const TURNS_MAX = 5_000;
const START = Date.UTC(2026, 0, 1);

export interface Delivery {
  readonly alert: number;
  readonly status: 'firing' | 'resolved';
  readonly peer: number;
  readonly source: 'alertmanager' | 'curl';
  readonly starts_at: number;
  readonly ends_at: number | null;
}

/** The engine with everything around it; processes come and go, this stays. Times in ms. */
export interface Model {
  readonly clock: ModelClock;
  readonly world: ModelWorld;
  readonly symptoms: Symptoms;
  readonly promql: Map<string, boolean>;
  readonly journal: Entry[];
  /** Bodies that are still on their way. */
  readonly late: Delivery[];
  life(): Life;
  /** Posts it; gives up when the process dies. */
  post(delivery: Delivery): Promise<void>;
  /** Awaits it, unless the process dies meanwhile; an answer of autoheal's own, e.g. a conflict, is fine. */
  attempt(work: () => Promise<unknown>): Promise<void>;
  /** The process dies at the `nth` time (from 0) that it comes to this point, and starts again after `down_ms`. */
  dieAt(point: Point, nth: number, down_ms: number): void;
  /** The next time that it comes to this point, this happens in between. */
  meanwhile(point: Point, work: () => Promise<void>): void;
  setRules(set: number): void;
  setFiring(alert: number, firing: boolean): void;
  setThing(thing: string, to: Json): void;
  kill(down_ms: number): Promise<void>;
  /** Lets everything run that can run now. */
  settle(): Promise<void>;
  /** Time goes by; whatever falls due happens at its time. */
  advance(ms: number): Promise<void>;
  /** The machine slept. `loops_first`: who comes to first when it wakes. */
  jump(ms: number, loops_first: boolean): Promise<void>;
  /** Nothing goes wrong any more, and nobody comes in between. */
  calm(): void;
  stop(): Promise<void>;
}

let template: string | undefined;

/** A migrated database, made once: a copy is cheaper than making each anew. */
async function freshDir(): Promise<string> {
  const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  if (template === undefined) {
    const dir = mkdtempSync(join(base, 'autoheal-model-template-'));
    const path = join(dir, 'autoheal.db');
    const clock = { now: () => START };
    const store = await openSqliteStore({ path, metrics: { auditWrite() {} }, clock });
    await store.close();
    template = dir;
    process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  }
  const dir = mkdtempSync(join(base, 'autoheal-model-'));
  copyFileSync(join(template, 'autoheal.db'), join(dir, 'autoheal.db'));
  return dir;
}

function bodyOf(delivery: Delivery): Uint8Array {
  const { status, starts_at, ends_at } = delivery;
  const alert = {
    status,
    labels: ALERTS[delivery.alert],
    annotations: {},
    startsAt: new Date(starts_at).toISOString(),
    endsAt: ends_at === null ? '0001-01-01T00:00:00Z' : new Date(ends_at).toISOString(),
    generatorURL: '',
  };
  const body = { version: '4', status, receiver: 'autoheal', groupKey: '{}', alerts: [alert] };
  return Buffer.from(JSON.stringify(body));
}

function textsOf(set: number, cast: readonly number[]): Readonly<Record<string, string>> {
  return Object.fromEntries(rulesFor(set, cast).map(({ name, text }) => [name, text]));
}

export async function startModel(cast: readonly number[]): Promise<Model> {
  const clock = modelClock(START);
  const journal: Entry[] = [];
  const world: ModelWorld = {
    values: new Map(Object.entries(THINGS)),
    faults: [],
    done: new Set(),
    probes: true,
  };
  const shown = symptoms(clock.now);
  const promql = new Map([[PROMQL, true]]);
  const dir = await freshDir();
  const files = { rules: textsOf(0, cast) };
  let deaths: { readonly point: Point; nth: number; readonly down_ms: number }[] = [];
  const races: { readonly point: Point; readonly work: () => Promise<void> }[] = [];
  let racing = 0;
  let down_ms = 0;

  function meet(point: Point, life: Life): Promise<void> | undefined {
    const death = deaths.find((each) => each.point === point);
    if (death !== undefined) {
      if (death.nth === 0) {
        deaths = deaths.filter((each) => each !== death);
        ({ down_ms } = death);
        life.kill();
        return new Promise(() => undefined);
      }
      death.nth -= 1;
    }
    const at = races.findIndex((each) => each.point === point);
    const [race] = at === -1 ? [] : races.splice(at, 1);
    return race === undefined ? undefined : between(race.work);
  }

  async function between(work: () => Promise<void>): Promise<void> {
    racing += 1;
    try {
      await work();
      for (let n = 0; n < RACE_TURNS; n += 1) await turn();
    } finally {
      racing -= 1;
    }
  }

  const around = { dir, clock, world, peers: shown.peers, promql, journal, files, meet };
  let life = await begin(0);

  async function begin(number: number): Promise<Life> {
    const started = await startLife(number, around);
    await started.ready;
    return started.life;
  }

  async function revive(): Promise<void> {
    while (life.dead()) {
      clock.moveTo(clock.now() + down_ms);
      life = await begin(life.number + 1);
    }
  }

  async function settle(): Promise<void> {
    life.machine.poke();
    let seen = life.activity();
    for (let quiet = 0, turns = 0; quiet < QUIET_TURNS; turns += 1) {
      if (turns > TURNS_MAX) throw new Error(`work goes on after ${TURNS_MAX} turns at one moment`);
      await turn();
      if (life.dead()) await revive();
      life.look();
      quiet = racing === 0 && life.activity() === seen ? quiet + 1 : 0;
      seen = life.activity();
    }
  }

  async function nextAt(): Promise<number | undefined> {
    await revive();
    const asked = life;
    const due = await asked.store.nextDue(clock.now()).catch((error: unknown) => {
      // It died in this very moment: its successor is asked at the next step.
      if (asked.dead()) return clock.now();
      throw error;
    });
    const wake = clock.nextWake();
    if (due === null) return wake;
    // Looked at and still due: somebody else has to end it first.
    return Math.min(Math.max(due, clock.now() + 50), wake ?? Number.POSITIVE_INFINITY);
  }

  const model: Model = {
    clock,
    world,
    symptoms: shown,
    promql,
    journal,
    late: [],
    life: () => life,
    async post(delivery) {
      const { source } = delivery;
      const body = bodyOf(delivery);
      const post = { body, source, trace_id: null, parent_span_id: null };
      await model.attempt(() => life.machine.intake.accept(post));
    },
    async attempt(work) {
      if (life.dead()) return;
      const answered = work().then(
        () => undefined,
        (error: unknown) => {
          if ((error as Error).name !== 'AutohealError') throw error;
        },
      );
      await Promise.race([answered, life.died]);
    },
    dieAt(point, nth, down) {
      deaths.push({ point, nth, down_ms: down });
    },
    meanwhile(point, work) {
      races.push({ point, work });
    },
    setRules(set) {
      files.rules = textsOf(set, cast);
    },
    setFiring(alert, firing) {
      const labels = ALERTS[alert] ?? {};
      shown.set(labels, firing);
      const fingerprint = fingerprintOf(labels);
      journal.push({ at: clock.now(), life: life.number, kind: 'truth', fingerprint, firing });
    },
    setThing(thing, to) {
      world.values.set(thing, to);
      journal.push({ at: clock.now(), life: life.number, kind: 'changed', thing, to });
    },
    async kill(down) {
      down_ms = down;
      life.kill();
      await revive();
      await settle();
    },
    settle,
    async advance(ms) {
      const end = clock.now() + ms;
      // Alertmanager is asked now and then on the way.
      const stride_ms = Math.max(50_000, Math.round(ms / 3));
      for (let steps = 0; clock.now() < end; steps += 1) {
        if (steps > STEPS_MAX) throw new Error(`more than ${STEPS_MAX} steps in ${ms} ms`);
        const next = (await nextAt()) ?? end;
        clock.moveTo(Math.min(next, end, clock.now() + stride_ms));
        clock.wake();
        await settle();
      }
    },
    async jump(ms, loops_first) {
      await revive();
      clock.moveTo(clock.now() + ms);
      if (loops_first) await settle();
      clock.wake();
      await settle();
    },
    calm() {
      deaths = [];
      races.length = 0;
      world.faults.length = 0;
      world.probes = true;
      promql.set(PROMQL, true);
      for (const peer of [0, 1]) shown.setUp(peer, true);
    },
    async stop() {
      life.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  await settle();
  const loaded = life.engine.rulebook.last();
  if (loaded?.ok !== true) throw new Error(`the model's rules: ${loaded?.rendered}`);
  return model;
}
