import { createAlertmanagers } from '../../src/adapters/alertmanager.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import type { ReconcileLimits } from '../../src/core/alerts/reconcile.ts';
import type { Loop } from '../../src/engine/loop.ts';
import { createReconcile } from '../../src/engine/reconcile.ts';
import { createWatch, type Watch } from '../../src/engine/watch.ts';
import { type Rig, startRig } from '../engine/rig.ts';
import type { FakeClock } from '../fakes/clock.ts';
import { newWorld } from '../fakes/world.ts';
import type { Alertmanager } from './alertmanager.ts';

/* autoheal's engine in this process, before real Alertmanagers. The durations are shortened, nothing else. */
export const LIMITS: ReconcileLimits = {
  resend_delay_ms: 1_500,
  unseen_after_ms: 0,
  evidence_every_ms: 60_000,
};
const EVERY_MS = 150;

/** Posts to autoheal; a long repeat_interval, so that what is swallowed stays swallowed. */
export function configOf(webhook: string): string {
  return JSON.stringify({
    route: {
      receiver: 'humans',
      routes: [
        {
          matchers: ['alertname="QueueStuck"'],
          receiver: 'team.autoheal',
          group_by: ['...'],
          group_wait: '0s',
          group_interval: '1s',
          repeat_interval: '1h',
        },
      ],
    },
    receivers: [
      { name: 'humans' },
      { name: 'team.autoheal', webhook_configs: [{ url: webhook, send_resolved: true }] },
    ],
  });
}

/** autoheal in this process; the rig's own clock stands still, this one is the machine's. */
const CLOCK: FakeClock = {
  ...systemClock,
  nextWakeAt: () => undefined,
  jump: () => undefined,
  advance: () => Promise.reject(new Error('this clock runs by itself')),
};

export interface Healer {
  readonly rig: Rig;
  readonly watch: Watch;
  readonly reconcile: Loop;
}

export async function startHealer(
  peers: readonly Alertmanager[],
  into: { rig?: Rig },
  dir?: string,
): Promise<Healer> {
  const rig = await startRig({
    rules: {},
    world: newWorld({}),
    clock: CLOCK,
    ...(dir === undefined ? {} : { dir }),
  });
  into.rig = rig;
  const watch = createWatch({
    ...rig.engine,
    prometheus: { configured: false, firing: async () => [] },
    peers: createAlertmanagers({ urls: peers.map(({ url }) => url), timeout_ms: 2_000 }),
    receivers: () => ['team.autoheal'],
  });
  const reconcile = createReconcile(rig.engine, {
    watch,
    stored: () => rig.machine.drain.stored(),
    every_ms: EVERY_MS,
    limits: LIMITS,
  });
  reconcile.start();
  return { rig, watch, reconcile };
}
