import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/adapters/store/open.ts';
import type { AuditRecord } from '../../src/core/audit/audit.ts';
import type { Json } from '../../src/core/json.ts';
import { fakeClock } from '../fakes/clock.ts';
import { newWorld } from '../fakes/world.ts';
import { startRig } from '../engine/rig.ts';
import {
  actionsOf,
  type Lag,
  LAGS,
  playOn,
  rehearsed,
  running,
  type Scripts,
} from './both-stages.ts';
import { stage, START } from './stage.ts';
import { sets, story } from './stories.ts';

/**
 * What a rehearsal tells is what the running engine does: the same rules and the same story in both, and the
 * same decisions in the same order at the same times. Where two things happen at the very same instant and want
 * the same target, the running engine has no order of its own; such stories are few, and are left out.
 */

type Rules = Readonly<Record<string, string>>;
type Events = Parameters<typeof playOn>[0];

const RUNS = 150;
const THINGS: Readonly<Record<string, Json>> = { a: 1, b: 1, 'svc.1': 1, 'svc.2': 1 };

/** All that a decision is, but its ids. What is of no alert is left out: the service notices the end of a pause by its second. */
function decisions(entries: readonly AuditRecord[]): readonly string[] {
  return entries
    .filter(({ fingerprint }) => fingerprint !== null)
    .map(({ ts, kind, rule, step, action, target, reason, result }) =>
      [`+${(ts - START) / 1_000}s`, kind, rule, step, action, target, reason, result].join(' '),
    );
}

/* ---------------------------------------------------------------- */

const shm = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const template = mkdtempSync(join(shm, 'autoheal-same-'));
let made = false;
afterAll(() => rmSync(template, { recursive: true, force: true }));

/** A migrated database: a copy is cheaper than making each anew. */
async function freshDir(): Promise<string> {
  const path = join(template, 'autoheal.db');
  if (!made) {
    const clock = { now: () => START };
    const store = await openSqliteStore({ path, metrics: { auditWrite() {} }, clock });
    await store.close();
    made = true;
  }
  const dir = mkdtempSync(join(shm, 'autoheal-same-'));
  copyFileSync(path, join(dir, 'autoheal.db'));
  return dir;
}

/** What the running engine decides; `lag`: in another order of what happens at one instant. */
async function run(rules: Rules, events: Events, lag?: Lag): Promise<readonly string[]> {
  const world = newWorld(THINGS);
  const scripts: Scripts = [];
  const actions = actionsOf(world, scripts, lag);
  const dir = await freshDir();
  const rig = await startRig({ rules, world, actions, clock: fakeClock(START), dir });
  rig.promql.set('up > 0', true);
  try {
    await playOn(events, running(rig, scripts));
    return decisions(await rig.audit({ limit: 1_000 }));
  } finally {
    // A call that hangs would keep a stop that says goodbye.
    await rig.abandon();
    rmSync(rig.dir, { recursive: true, force: true });
  }
}

async function rehearse(rules: Rules, events: Events): Promise<readonly string[]> {
  const actions = actionsOf(newWorld(THINGS), []);
  const targets = Object.entries(THINGS).map(([name, value]) => [`thing/${name}`, { value }]);
  const rehearsal = await stage(
    { rules, world: { promql: { 'up > 0': true }, targets: Object.fromEntries(targets) } },
    new Map(actions.map((action) => [action.id, action])),
  );
  try {
    await playOn(events, rehearsed(rehearsal));
    return decisions(await rehearsal.story(0));
  } finally {
    await rehearsal.close();
  }
}

/** Does the running engine itself decide otherwise when one of two at the same instant is a turn later? */
async function isRace(rules: Rules, events: Events, real: readonly string[]): Promise<boolean> {
  for (const lag of LAGS) if (String(await run(rules, events, lag)) !== String(real)) return true;
  return false;
}

test('a rehearsal decides as the running engine does', { timeout: 120_000 }, async () => {
  let told = 0;
  let races = 0;
  await fc.assert(
    fc.asyncProperty(sets, story, async (rules, events) => {
      const real = await run(rules, events);
      const rehearsal = await rehearse(rules, events);
      told += real.length;
      if (String(rehearsal) !== String(real) && (await isRace(rules, events, real))) {
        races += 1;
        return;
      }
      expect(rehearsal).toEqual(real);
    }),
    { numRuns: RUNS },
  );
  // Stories without a decision would show nothing, and neither would races.
  expect(told).toBeGreaterThan(RUNS * 5);
  expect(races).toBeLessThan(RUNS / 20);
});
