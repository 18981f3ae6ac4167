import { assert, asyncProperty } from 'fast-check';
import { expect } from 'vitest';
import { carryOut } from './commands.ts';
import { looseEnds, readEnding } from './ending.ts';
import { type Model, startModel } from './harness.ts';
import { brokenPromises } from './invariants.ts';
import { type Play, plays } from './plays.ts';

/** Runs in all, over the files that share them; a night's run sets more. */
const RUNS = Number(process.env['AUTOHEAL_MODEL_RUNS'] ?? 4_000);
const SHARES = 4;
/** The same plays each time, so that a red build is red again. */
const SEED = 20_260_101;

/** After this no lease, limit or question is left that waits for the clock, ms. */
const SETTLED_MS = 24 * 3_600_000;
const STEP_MS = 10 * 60_000;

/** One play from an empty database to the settled end. @returns the promises that it broke. */
export async function play({ cast, commands }: Play): Promise<readonly string[]> {
  const model = await startModel(cast);
  try {
    for (const command of commands) await carryOut(command, cast, model);
    await settleAll(model, cast);
    return [...brokenPromises(model.journal), ...looseEnds(await readEnding(model))];
  } finally {
    await model.stop();
  }
}

/** Everything outside is well again, nobody wants anything, nothing fires, and time goes by. */
export async function settleAll(model: Model, cast: readonly number[]): Promise<void> {
  model.calm();
  for (const delivery of model.late.splice(0)) await model.post(delivery);
  await model.settle();
  const { machine, engine } = model.life();
  if (engine.operator.paused() !== undefined) await engine.operator.resume({ actor: 'ann' });
  for (const hold of await machine.holds.standing())
    if (hold.kind !== 'quarantine')
      await machine.holds.end(hold.id, { actor: 'ann', reason: 'end' });
  for (const alert of cast) model.setFiring(alert, false);
  const now = model.clock.now();
  const about = {
    status: 'resolved',
    source: 'alertmanager',
    starts_at: now,
    ends_at: now,
  } as const;
  for (const alert of cast) await model.post({ ...about, alert, peer: 0 });
  await model.settle();
  for (let waited = 0; waited < SETTLED_MS && (await isBusy(model)); waited += STEP_MS)
    await model.advance(STEP_MS);
}

async function isBusy(model: Model): Promise<boolean> {
  const { store } = model.life();
  const live = await store.listRemediations({ limit: 100 });
  if (live.items.some(({ state }) => state !== 'done')) return true;
  return (await store.activeLeases()).some(({ told_at }) => told_at === null);
}

/** A night's run takes hours. */
export const SHARE_TIMEOUT_MS = 8 * 3_600_000;

/**
 * One share of the runs, each with a seed of its own. `AUTOHEAL_MODEL_SEED` is where the seeds begin; with
 * `AUTOHEAL_MODEL_PATH` it is the very seed of a failure, both as fast-check printed them.
 */
export async function checkShare(share: number): Promise<void> {
  const { AUTOHEAL_MODEL_SEED, AUTOHEAL_MODEL_PATH: path } = process.env;
  const seed = Number(AUTOHEAL_MODEL_SEED ?? SEED);
  await assert(
    asyncProperty(plays, async (one) => {
      expect(await play(one)).toEqual([]);
    }),
    {
      numRuns: Math.ceil(RUNS / SHARES),
      ...(path === undefined ? { seed: seed + share } : { seed, path }),
    },
  );
}
