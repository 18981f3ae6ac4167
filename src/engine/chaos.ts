import { type ChaosState, chaosActive, chaosFails, chaosKey } from '../core/healing/chaos.ts';
import type { Json } from '../core/json.ts';
import { isoTime } from '../core/time.ts';
import type { Clock, Ids, Log, Metrics } from '../ports.ts';
import type { Change, Store } from '../store.ts';
import { auditChange } from './deps.ts';

export const CHAOS_SETTING = 'chaos';

export interface ChaosSettings {
  /** Percent of steps, 0 to 100; 0 is off. */
  readonly rate_pct: number;
  readonly seed: number;
  readonly for_ms: number;
}

/** Injected failures of steps, armed by the environment (DESIGN §11). */
export interface Chaos {
  /** Arms, resumes or disarms as the settings say; called once at start. */
  start(): Promise<void>;
  /** One draw for one step. `changes` go into the step's intent, so that a restart goes on in the sequence. */
  draw(): { readonly fails: boolean; readonly changes: readonly Change[] };
  /** Ends what has run out, with its audit entry; called now and then. */
  tick(): Promise<void>;
  view(): {
    readonly enabled: boolean;
    readonly failure_rate_pct: number;
    readonly ends_at: number | null;
  };
}

interface ChaosDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly metrics: Metrics;
  readonly log: Log;
}

export function createChaos(deps: ChaosDeps, settings: ChaosSettings): Chaos {
  let state: ChaosState | undefined;

  function show(): void {
    const enabled = chaosActive(state, deps.clock.now());
    deps.metrics.chaos(enabled, enabled && state !== undefined ? state.ends_at : 0);
  }

  async function arm(): Promise<void> {
    const now = deps.clock.now();
    const { rate_pct, seed, for_ms } = settings;
    const key = chaosKey(rate_pct, seed, for_ms);
    const ends_at = now + for_ms;
    const armed: ChaosState = {
      key,
      rate_pct,
      seed,
      armed_at: now,
      ends_at,
      draws: 0,
      disarmed: false,
    };
    await deps.store.commit([settingOf(armed), entryOf(deps, 'chaos_armed', armed, 'environment')]);
    state = armed;
    deps.log.warn({ rate_pct, seed, ends_at: isoTime(armed.ends_at) }, 'chaos armed');
  }

  async function disarm(reason: string): Promise<void> {
    if (state === undefined || state.disarmed) return;
    const over = { ...state, disarmed: true };
    await deps.store.commit([settingOf(over), entryOf(deps, 'chaos_disarmed', over, reason)]);
    state = over;
    deps.log.warn({ reason }, 'chaos disarmed');
  }

  async function endIfOver(): Promise<void> {
    if (state !== undefined && !chaosActive(state, deps.clock.now())) await disarm('time_over');
  }

  return {
    async start() {
      state = (await deps.store.setting(CHAOS_SETTING)) as unknown as ChaosState | undefined;
      const key = chaosKey(settings.rate_pct, settings.seed, settings.for_ms);
      if (settings.rate_pct === 0) await disarm('not_configured');
      else if (state?.key !== key) await arm();
      else await endIfOver();
      show();
    },
    draw() {
      if (state === undefined || !chaosActive(state, deps.clock.now()))
        return { fails: false, changes: [] };
      const fails = chaosFails(state.seed, state.draws, state.rate_pct);
      state = { ...state, draws: state.draws + 1 };
      return { fails, changes: [settingOf(state)] };
    },
    async tick() {
      await endIfOver();
      show();
    },
    view() {
      const enabled = chaosActive(state, deps.clock.now());
      return {
        enabled,
        failure_rate_pct: enabled ? (state?.rate_pct ?? 0) : 0,
        ends_at: enabled ? (state?.ends_at ?? null) : null,
      };
    },
  };
}

function settingOf(state: ChaosState): Change {
  return { kind: 'setting_put', key: CHAOS_SETTING, value: state as unknown as Json };
}

function entryOf(
  deps: ChaosDeps,
  kind: 'chaos_armed' | 'chaos_disarmed',
  of: ChaosState,
  reason: string,
): Change {
  const { rate_pct, seed, draws } = of;
  const detail = { failure_rate_pct: rate_pct, seed, ends_at: isoTime(of.ends_at), draws };
  return auditChange(deps, { kind, reason, chaos: true, detail });
}
