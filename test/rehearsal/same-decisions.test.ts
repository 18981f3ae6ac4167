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
import { actionsOf, playOn, rehearsed, running, type Scripts } from './both-stages.ts';
import { stage, START } from './stage.ts';
import { sets, story } from './stories.ts';

/**
 * What a rehearsal tells is what the running engine does: the same rules and the same story in both, and the
 * same decisions in the same order at the same times.
 */

const RUNS = 200;
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

test('a rehearsal decides as the running engine does', { timeout: 120_000 }, async () => {
  let told = 0;
  await fc.assert(
    fc.asyncProperty(sets, story, async (rules, events) => {
      const world = newWorld(THINGS);
      const scripts: Scripts = [];
      const rig = await startRig({
        rules,
        world,
        actions: actionsOf(world, scripts),
        clock: fakeClock(START),
        dir: await freshDir(),
      });
      rig.promql.set('up > 0', true);
      const actions = actionsOf(newWorld(THINGS), []);
      const rehearsal = await stage(
        {
          rules,
          world: {
            promql: { 'up > 0': true },
            targets: Object.fromEntries(
              Object.entries(THINGS).map(([name, value]) => [`thing/${name}`, { value }]),
            ),
          },
        },
        new Map(actions.map((action) => [action.id, action])),
      );
      try {
        await playOn(events, running(rig, scripts));
        await playOn(events, rehearsed(rehearsal));
        const real = decisions(await rig.audit({ limit: 1_000 }));
        told += real.length;
        expect(decisions(await rehearsal.story(0))).toEqual(real);
      } finally {
        await rehearsal.close();
        // A call that hangs would keep a stop that says goodbye.
        await rig.abandon();
        rmSync(rig.dir, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS },
  );
  // Stories without a decision would show nothing.
  expect(told).toBeGreaterThan(RUNS * 5);
});
