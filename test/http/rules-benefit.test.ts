import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Treatment } from '../../src/core/benefit/treatment.ts';
import { NOW } from './values.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function treated(n: number, ago_ms: number, recovered: boolean): Treatment {
  const created_at = NOW - ago_ms;
  return {
    n,
    episode_id: `e-${n}`,
    created_at,
    held_out_until: null,
    outcome: recovered ? 'healed' : 'escalated',
    by_hand: false,
    drill: false,
    closed_at: created_at + (recovered ? 60_000 : HOUR),
    acted_at: created_at + 1_000,
    critical: false,
    chaos: false,
    others_acted_at: null,
  };
}

test('each rule comes with its benefit, of the window that was asked for', async () => {
  // Newest first, as the store has them.
  world.state.treatments = [
    treated(3, DAY, true),
    treated(2, 2 * DAY, false),
    treated(1, 40 * DAY, true),
  ];
  const month = await world.call('GET', '/api/v1/rules');
  expect(month.body.items[0].benefit).toMatchObject({
    word: 'no evidence yet',
    basis: 'observed',
    since: new Date(NOW - 30 * DAY).toISOString(),
    treated: {
      acted: 2,
      healed: 1,
      recovered: { n: 2, k: 1, share: 0.5 },
      median: { seconds: 60 },
    },
    untreated: { recovered: null, why: { dry_run: 0, holdout: 0, waited: 0 } },
    difference: null,
    randomised: null,
  });
  const day = await world.call('GET', '/api/v1/rules/ai-errors?since=36h');
  expect(day.body.benefit.treated).toMatchObject({ acted: 1, healed: 1 });
  const quarter = await world.call(
    'GET',
    `/api/v1/rules?since=${new Date(NOW - 60 * DAY).toISOString()}`,
  );
  expect(quarter.body.items[0].benefit.treated.acted).toBe(3);
});

test.each(['91d', '10s', '1h30', '2099-01-01T00:00:00Z'])(
  'a window of %s is refused, with its name',
  async (since) => {
    for (const path of ['/api/v1/rules', '/api/v1/rules/ai-errors']) {
      const reply = await world.call('GET', `${path}?since=${since}`);
      expect(reply).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
      expect(reply.text).toContain('since');
    }
  },
);
