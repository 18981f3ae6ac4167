import { AutohealError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { isoTime } from '../core/time.ts';
import type { Clock, Ids, Log } from '../ports.ts';
import type { Change, Store } from '../store.ts';
import type { Operator, Pause, ServiceMode } from './api.ts';
import { auditChange } from './deps.ts';

const PAUSE_SETTING = 'pause';

interface OperatorDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** What operators decide for the whole service. `env_mode`: AUTOHEAL_MODE; the stricter of the two wins. */
export function createOperator(
  deps: OperatorDeps,
  env_mode: ServiceMode,
): Operator & { start(): Promise<void>; tick(): Promise<void> } {
  let pause: Pause | undefined;

  function standing(): Pause | undefined {
    const over = pause?.until !== null && pause !== undefined && pause.until <= deps.clock.now();
    return over ? undefined : pause;
  }

  async function lift(actor: string, reason: string): Promise<void> {
    await deps.store.commit([
      { kind: 'setting_put', key: PAUSE_SETTING, value: null },
      // Whoever waited for the pause to end is looked at at once.
      { kind: 'waiting_wake', reasons: ['paused'] },
      auditChange(deps, { kind: 'resume', actor, reason }),
    ]);
    pause = undefined;
    deps.log.info({ actor, reason }, 'resumed');
  }

  return {
    async start() {
      pause = (await deps.store.setting(PAUSE_SETTING)) as unknown as Pause | undefined;
    },
    mode() {
      if (env_mode === 'paused' || standing() !== undefined) return 'paused';
      return env_mode;
    },
    paused: standing,
    async pause({ actor, reason, until }) {
      const next: Pause = { actor, reason, until, since: deps.clock.now() };
      const detail = { until: until === null ? null : isoTime(until) };
      await deps.store.commit([
        setting(next),
        auditChange(deps, { kind: 'pause', actor, reason, detail }),
      ]);
      pause = next;
      deps.log.warn({ actor, reason, ...detail }, 'paused');
      return next;
    },
    async resume({ actor }) {
      if (env_mode === 'paused')
        throw new AutohealError(
          'conflict',
          'AUTOHEAL_MODE=paused paused the service; only a start without it resumes',
        );
      if (standing() === undefined) throw new AutohealError('conflict', 'nothing is paused');
      await lift(actor, 'operator');
    },
    async tick() {
      if (pause !== undefined && standing() === undefined) await lift('autoheal', 'time_over');
    },
  };
}

function setting(pause: Pause): Change {
  return { kind: 'setting_put', key: PAUSE_SETTING, value: pause as unknown as Json };
}
