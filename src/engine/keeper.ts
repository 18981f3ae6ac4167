import type { AuditCheck } from './audit-check.ts';
import type { AuthAudit } from './auth-audit.ts';
import type { Engine } from './deps.ts';
import { createLoop, type Loop } from './loop.ts';
import type { Retention } from './retention.ts';
import type { SloLedger } from './slo-ledger.ts';

const HEARTBEAT_MS = 5_000;
const AUTH_FLUSH_MS = 60_000;

/** What runs beside the work: the heartbeat, ends that come by the clock, entries that are gathered, rows past their time. */
export function createKeeper(
  engine: Engine,
  parts: {
    readonly operator: { tick(): Promise<void> };
    readonly budget: { tick(): Promise<void> };
    readonly priorities: { tick(): Promise<void> };
    readonly harm: { tick(): Promise<void> };
    readonly auth: AuthAudit;
    readonly retention: Retention;
    /** Absent: the audit log is not kept, so nobody can have changed it. */
    readonly audit_check?: AuditCheck;
    readonly slo?: Pick<SloLedger, 'tick'>;
    /** When the worker last came round. Ms since the epoch. */
    readonly workerRoundAt: () => number;
  },
): Loop {
  let beat_at = 0;
  let flushed_at = engine.clock.now();
  let seen_round_at = 0;

  /** +1 every 5 s, only when the worker came round since the last one and the store answers. */
  async function heartbeat(now: number): Promise<void> {
    if (now - beat_at < HEARTBEAT_MS) return;
    const round_at = parts.workerRoundAt();
    if (round_at <= seen_round_at) return;
    await engine.store.ping();
    seen_round_at = round_at;
    beat_at = now;
    engine.metrics.heartbeat();
  }

  return createLoop({
    name: 'keeper',
    clock: engine.clock,
    log: engine.log,
    tracer: engine.tracer,
    async round() {
      const now = engine.clock.now();
      await parts.operator.tick();
      await parts.budget.tick();
      await parts.priorities.tick();
      await parts.harm.tick();
      await engine.chaos.tick();
      await heartbeat(now);
      await parts.slo?.tick();
      if (now - flushed_at >= AUTH_FLUSH_MS) {
        flushed_at = now;
        await parts.auth.flush();
      }
      await parts.retention.tick();
      await parts.audit_check?.tick();
      return now + HEARTBEAT_MS;
    },
  });
}
