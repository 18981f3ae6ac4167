import { createHash } from 'node:crypto';
import { ActionError } from '../action.ts';
import type { Episode } from '../core/alerts/episode.ts';
import type { Seen } from '../core/alerts/seen.ts';
import { planHash } from '../core/healing/approval.ts';
import type {
  BlastFacts,
  EarlyFacts,
  LimitFact,
  PlanFacts,
  PreconditionFact,
  TargetFacts,
  WindowFact,
} from '../core/healing/guard-facts.ts';
import type { Plan, Target } from '../core/healing/remediation.ts';
import { POLICY_GUARD_DEFAULTS } from '../core/rules/policy-guards.ts';
import type { PolicyGuards, RunLimit } from '../core/rules/rule.ts';
import { renderPromql } from '../core/rules/template.ts';
import { contains, nextChange } from '../core/time-intervals.ts';
import type { Engine } from './deps.ts';
import { callSpan } from './spans.ts';
import type { Looks, Work } from './work.ts';

/** What the guards look at, gathered: the guards themselves are pure (core/healing/guards*.ts). */

/** What was asked of the outside is asked again when it is older than this: an alert may have ended meanwhile. */
const LOOKS_FRESH_MS = 5_000;
const LOOK_DEADLINE_MS = 5_000;
/** An interval that lasts longer is looked at again after this. */
const WINDOW_HORIZON_MS = 3_600_000;
/** Only Alertmanager's own alerts can be asked about there. */
const ASKED_ABOUT: readonly string[] = ['alertmanager'];

/** The policy in force; its defaults while none could be read yet. */
export function policyOf(engine: Engine): PolicyGuards {
  return engine.rulebook.current()?.policy ?? POLICY_GUARD_DEFAULTS;
}

/** Asks the outside what the early guards want to know, unless it was asked a moment ago. */
export async function looksOf(work: Work, engine: Engine): Promise<Looks> {
  const now = engine.clock.now();
  if (work.looks !== undefined && now - work.looks.at < LOOKS_FRESH_MS) return work.looks;
  const { fingerprint, source } = work.episode;
  const asked = engine.watch.configured && ASKED_ABOUT.includes(source);
  const [seen, preconditions] = await Promise.all([
    asked ? recheck(fingerprint, engine) : undefined,
    Promise.all(
      work.rule.when
        .flatMap((each) => (each.kind === 'promql' ? [each.expr] : []))
        .map((expr) => preconditionOf(expr, work, engine)),
    ),
  ]);
  return { at: now, seen, preconditions };
}

/** What Alertmanager shows; `unknown` when it does not answer in time. */
export async function recheck(fingerprint: string, engine: Engine): Promise<Seen> {
  const signal = AbortSignal.timeout(LOOK_DEADLINE_MS);
  try {
    return await engine.watch.recheck(fingerprint, LOOKS_FRESH_MS, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    return { ...NOT_SEEN, as_of: engine.clock.now() };
  }
}

const NOT_SEEN: Omit<Seen, 'as_of'> = {
  state: 'unknown',
  silenced_by: [],
  inhibited_by: [],
  muted_by: [],
  witnessed: false,
};

async function preconditionOf(expr: string, work: Work, engine: Engine): Promise<PreconditionFact> {
  const rendered = renderPromql(expr, work.episode);
  if (!rendered.ok) return { expr, state: 'unreadable', detail: rendered.message };
  try {
    const found = await engine.tracer.span(callSpan('prometheus', null, 1), () =>
      engine.prometheus.holds(rendered.value, AbortSignal.timeout(LOOK_DEADLINE_MS)),
    );
    return { expr, state: found.holds ? 'holds' : 'fails', detail: found.detail };
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    return { expr, state: 'unreadable', detail: `Prometheus: ${error.code}: ${error.message}` };
  }
}

/** `episode`: as fresh as the caller needs it. `targets`: empty before the plan is made. */
export async function earlyFacts(
  work: Work,
  looks: Looks,
  episode: Episode,
  targets: readonly Target[],
  engine: Engine,
): Promise<EarlyFacts> {
  const now = engine.clock.now();
  const pause = engine.operator.paused();
  return {
    now,
    mode: engine.operator.mode(),
    paused_until: pause?.until ?? null,
    pause_detail: pause === undefined ? 'AUTOHEAL_MODE=paused' : `${pause.actor}: ${pause.reason}`,
    rule: work.rule.name,
    episode,
    targets,
    guard: work.rule.guard,
    holds: await engine.store.holds(now),
    seen: looks.seen,
    blind: engine.watch.blind(),
    preconditions: looks.preconditions,
    windows: windowsOf(work, now, engine),
  };
}

function windowsOf(work: Work, now: number, engine: Engine): readonly WindowFact[] {
  const { time_intervals } = policyOf(engine);
  return work.rule.when.flatMap((each) => {
    if (each.kind !== 'not_during') return [];
    const interval = time_intervals.find(({ name }) => name === each.interval);
    // A reload took the interval away while this rule was pinned: nobody can tell, so it waits.
    if (interval === undefined)
      return [{ name: each.interval, inside: true, until: now + LOOKS_FRESH_MS }];
    const until = nextChange(interval, now, WINDOW_HORIZON_MS) ?? now + WINDOW_HORIZON_MS;
    return [{ name: each.interval, inside: contains(interval, now), until }];
  });
}

export async function planFacts(
  work: Work,
  looks: Looks,
  plan: Plan,
  engine: Engine,
): Promise<PlanFacts> {
  const { remediation, rule } = work;
  const { store } = engine;
  const policy = policyOf(engine);
  const now = engine.clock.now();
  const episode = (await store.episode(remediation.episode_id)) ?? work.episode;
  const { within_ms, targets } = policy.common_cause;
  // Before anything across targets is read: who starts in between is noticed by the intent's commit.
  const starts = looksAcross(work, policy) ? await store.startCount() : null;
  return {
    starts,
    ...(await earlyFacts(work, looks, episode, plan.targets, engine)),
    rule_mode: rule.mode,
    plan,
    lock_holder: await store.lockHolder(plan.targets, remediation.id),
    on: await Promise.all(plan.targets.map((target) => targetFacts(work, target, engine))),
    limits: await limitFacts(work, policy, engine),
    blast: await blastFacts(work, plan, policy, engine),
    common_cause: {
      ...policy.common_cause,
      seen: await store.wantedSince(now - within_ms, COUNTED_FOR_EACH * targets),
    },
    budget: { ...engine.budget(), enforce: policy.budget.enforce },
    breaker: breakerFacts(work.action.backend, engine),
    approval: await store.approvalFor(remediation.id, hashOf(work, plan)),
  };
}

/** Do any guards look at more than the plan's own targets, which its lock does not cover? */
function looksAcross({ rule }: Work, { limits, blast_radius }: PolicyGuards): boolean {
  const { limit_rule, min_healthy } = rule.guard;
  return (
    limits.length > 0 || bounded(blast_radius) || limit_rule.length > 0 || min_healthy !== null
  );
}

function bounded({ share_pct, total }: PolicyGuards['blast_radius']): boolean {
  return share_pct !== null || total !== null;
}

/** Newest remediations looked at for each alert of the common cause: several rules may match one alert. */
const COUNTED_FOR_EACH = 4;

/** What a grant of this plan is bound to. */
export function hashOf(work: Work, plan: Plan): string {
  return planHash(work.remediation.rule_hash, plan, sha256);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A backend's breaker as the guard sees it. */
export function breakerFacts(backend: string, engine: Engine): PlanFacts['breaker'] {
  const { breakers } = engine;
  return { backend, state: breakers.state(backend), open_until: breakers.openUntil(backend) };
}

async function targetFacts(work: Work, target: Target, engine: Engine): Promise<TargetFacts> {
  const { id } = work.remediation;
  const widest_ms = Math.max(0, ...work.rule.guard.limit.map((window) => window.window_ms));
  const since = engine.clock.now() - widest_ms;
  return {
    target,
    lease: await engine.store.activeLease(target.id),
    siblings_busy:
      work.rule.guard.min_healthy === null
        ? 0
        : await engine.store.lockSharers(target.parents, work.remediation.id),
    last_end: await engine.store.lastEndOn(target.id, id),
    run_starts: await engine.store.runStarts({
      rule: work.rule.name,
      target: target.id,
      since,
      except: id,
    }),
  };
}

function limitFacts(
  work: Work,
  policy: PolicyGuards,
  engine: Engine,
): Promise<readonly LimitFact[]> {
  const windows = [
    ...work.rule.guard.limit_rule.map((window) => ({ of: 'rule' as const, window })),
    ...policy.limits.map((window) => ({ of: 'service' as const, window })),
  ];
  return Promise.all(
    windows.map(async ({ of, window }) => ({
      of,
      window,
      blocking: await blockingStart(work, of, window, engine),
    })),
  );
}

function blockingStart(
  work: Work,
  of: LimitFact['of'],
  window: RunLimit,
  engine: Engine,
): Promise<number | undefined> {
  return engine.store.nthStart({
    rule: of === 'rule' ? work.rule.name : null,
    n: window.count,
    since: engine.clock.now() - window.window_ms + 1,
    except: work.remediation.id,
  });
}

async function blastFacts(
  work: Work,
  plan: Plan,
  policy: PolicyGuards,
  engine: Engine,
): Promise<BlastFacts | null> {
  const { blast_radius } = policy;
  if (!bounded(blast_radius)) return null;
  const groups = plan.targets.reduce((sum, { group }) => sum + (group?.total ?? 0), 0);
  const touched = await engine.store.touchedSince({
    since: engine.clock.now() - blast_radius.window_ms + 1,
    // Nobody: what the remediation's own earlier steps touched counts as well.
    except: '',
    limit: (blast_radius.total ?? 0) + groups + BLAST_ROWS,
  });
  return { policy: blast_radius, touched };
}

/** Rows read beyond what could matter to the total and to the plan's groups. */
const BLAST_ROWS = 1_000;
