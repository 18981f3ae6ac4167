import type { Clock, Component, Log } from '../ports.ts';
import type {
  Approvals,
  Benefits,
  HoldBoard,
  Intake,
  Operations,
  Operator,
  Reporter,
  WhatIf,
} from './api.ts';
import { createBenefits } from './benefits.ts';
import { createApprovals } from './approvals.ts';
import { createAuditCheck } from './audit-check.ts';
import { type AuthAudit, createAuthAudit } from './auth-audit.ts';
import { auditChange, type Engine } from './deps.ts';
import type { Budget } from './budget.ts';
import { createDrain, type Drain } from './drain.ts';
import { createHarm } from './harm.ts';
import { createHolds } from './holds.ts';
import { createIntake } from './intake.ts';
import { createKeeper } from './keeper.ts';
import type { Loop } from './loop.ts';
import { createOperations } from './operations.ts';
import type { Priorities } from './priorities.ts';
import { createReconcile } from './reconcile.ts';
import { createReporter } from './reporter.ts';
import { createRetention } from './retention.ts';
import type { SloLedger } from './slo-ledger.ts';
import type { Watch } from './watch.ts';
import { createWhatIf } from './what-if.ts';
import { createWorker, type Worker } from './worker.ts';

/** The engine's moving parts, started and stopped together. */
export interface Machine {
  readonly intake: Intake;
  readonly reporter: Reporter;
  readonly holds: HoldBoard;
  readonly approvals: Approvals;
  readonly benefits: Benefits;
  readonly operations: Operations;
  readonly what_if: WhatIf;
  readonly auth: AuthAudit;
  readonly worker: Worker;
  readonly drain: Drain;
  /** Something changed that may let work go on: a resume, new rules. */
  poke(): void;
  /** Recovery and the first load of the rules come before any work. */
  start(): Promise<void>;
  /** Takes nothing new, finishes what is under way, says goodbye in the audit log. */
  stop(): Promise<void>;
}

export interface MachineOptions {
  readonly version: string;
  /** Names this process in claims. */
  readonly worker_id: string;
  readonly operator: Operator & { start(): Promise<void>; tick(): Promise<void> };
  readonly budget: Budget;
  readonly priorities: Priorities;
  readonly watch: Watch;
  readonly components: readonly Component[];
  readonly process: { readonly rss_bytes: () => number; readonly heap_used_bytes: () => number };
  readonly diskFree: () => Promise<number | null>;
  /** The audit log is gone through again and again. A rehearsal keeps none. */
  readonly checks_audit?: boolean;
  /** Counts for the objectives, kept on disk. Absent: nothing is promised. */
  readonly slo?: SloLedger;
}

export function buildMachine(engine: Engine, options: MachineOptions): Machine {
  let started = false;
  const auth = createAuthAudit(engine);
  const worker = createWorker(engine, options.worker_id);
  const drain = createDrain(engine, worker, () => reconcile.poke());
  const reconcile = createReconcile(engine, {
    watch: options.watch,
    stored: () => drain.stored(),
  });
  const keeper = createKeeper(engine, {
    ...options,
    harm: createHarm(engine),
    auth,
    retention: createRetention(engine),
    ...(options.checks_audit === true && { audit_check: createAuditCheck(engine) }),
    workerRoundAt: () => worker.lastRoundAt(),
  });
  const intake = createIntake({
    ...engine,
    pending: () => drain.pending(),
    stored: () => drain.stored(),
  });
  const reporter = createReporter({ ...engine, ...options, worker, started: () => started });
  // Without an Alertmanager and a Prometheus there is nobody to ask.
  const asking = options.watch.watching ? [reconcile] : [];
  const loops: readonly Loop[] = [drain, worker, keeper, ...asking];
  return {
    intake,
    reporter,
    holds: createHolds(engine),
    approvals: createApprovals(engine),
    benefits: createBenefits(engine),
    operations: createOperations(engine, () => worker.poke()),
    what_if: createWhatIf(engine, (fingerprint) => options.watch.view(fingerprint)),
    auth,
    worker,
    drain,
    poke() {
      drain.poke();
      worker.poke();
    },
    async start() {
      await recoverClaims(engine);
      await options.operator.start();
      await engine.chaos.start();
      await engine.rulebook.reload('autoheal');
      await engine.store.commit([sayService(engine, 'service_started', options.version)]);
      for (const loop of loops) loop.start();
      started = true;
    },
    async stop() {
      await drain.stop();
      await worker.stop();
      // Last: the worker asks what can be seen until it has ended.
      options.watch.close();
      await reconcile.stop();
      await keeper.stop();
      await options.priorities.stop();
      try {
        await auth.flush();
        await engine.store.commit([sayService(engine, 'service_stopped', options.version)]);
        // That commit counts as well.
        await options.slo?.flush();
      } catch (error) {
        // A store that is away is no reason to hang on to what else has to be closed.
        engine.log.error({ err: error }, 'the stop could not be written to the audit log');
      }
    },
  };
}

/** Nobody else can work on an exclusive store: claims left on it belong to a process that died. */
async function recoverClaims(engine: Engine): Promise<void> {
  if (engine.store.exclusive) await engine.store.commit([{ kind: 'claims_release_all' }]);
}

function sayService(
  engine: {
    readonly clock: Clock;
    readonly ids: Engine['ids'];
    readonly log: Log;
    readonly operator: Operator;
  },
  kind: 'service_started' | 'service_stopped',
  version: string,
) {
  return auditChange(engine, { kind, detail: { version, mode: engine.operator.mode() } });
}
