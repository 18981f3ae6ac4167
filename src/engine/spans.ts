import type { Episode } from '../core/alerts/episode.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import type { Lease } from '../core/healing/lease.ts';
import { spanIdFrom, traceIdFrom, under } from '../core/trace.ts';
import type { Span, SpanAttributes, SpanOptions, Tracer } from '../ports.ts';
import type { Delivery } from '../store.ts';
import type { Post } from './api.ts';
import type { Engine } from './deps.ts';
import type { Stage, StageResult, Work } from './work.ts';

/**
 * Every span that the engine makes (docs/tracing.md): what it is called, where it hangs, what it says.
 * webhook -> commit; webhook -> match -> remediation -> guards, plan, action, verify, escalate, revert;
 * under those, each call of a backend.
 */

/* ---------------------------------------------------------------- the way in */

/** The sender's trace goes on; without one a new trace begins, where traces are kept at all. */
export function webhookTrace(
  { tracer }: { readonly tracer: Tracer },
  post: Post,
  delivery: string,
): string | null {
  return post.trace_id ?? (tracer.enabled ? traceIdFrom(delivery) : null);
}

export function webhookSpan(post: Post, trace_id: string | null, delivery: string): SpanOptions {
  return {
    name: 'webhook',
    kind: 'server',
    span_id: spanIdFrom(delivery),
    parent: trace_id === null ? null : { trace_id, span_id: post.parent_span_id },
    attributes: {
      'autoheal.delivery': delivery,
      'autoheal.source': post.source,
      'autoheal.bytes': post.body.byteLength,
    },
  };
}

/** What the matching of one episode found. */
export interface Matched {
  readonly episode: Episode;
  /** Its first match, by the delivery that opened it; later ones, after new rules, hang under that. */
  readonly first: boolean;
  readonly rules: readonly string[];
  readonly from: number;
}

export function recordMatch(engine: Engine, delivery: Delivery, matched: Matched): void {
  const { episode, first, rules, from } = matched;
  const { trace_id } = episode;
  engine.tracer.record(
    {
      name: 'match',
      ...(first ? { span_id: spanIdFrom(episode.id) } : {}),
      parent: under(trace_id, first ? delivery.id : episode.id),
      attributes: {
        'autoheal.alertname': episode.alertname,
        'autoheal.fingerprint': episode.fingerprint,
        'autoheal.episode': episode.id,
        'autoheal.drill': episode.drill,
        'autoheal.rules': rules,
        'autoheal.result': rules.length === 0 ? 'unmapped' : 'matched',
      },
    },
    { from, to: engine.clock.now() },
    null,
  );
}

/* ---------------------------------------------------------------- the work */

/** The whole of a remediation, from its making to its end; sent at its end, whoever comes to it. */
export function recordRemediation(engine: Engine, remediation: Remediation): void {
  const { id, trace_id, episode_id, outcome, reason, created_at, ended_at } = remediation;
  const failed = outcome === 'escalated' ? (reason ?? outcome) : null;
  engine.tracer.record(
    {
      name: 'remediation',
      span_id: spanIdFrom(id),
      parent: under(trace_id, episode_id),
      attributes: {
        ...aboutRemediation(remediation),
        'autoheal.outcome': outcome,
        'autoheal.reason': reason,
        'autoheal.dry_run': outcome === 'dry_run',
      },
    },
    { from: created_at, to: ended_at ?? engine.clock.now() },
    failed,
  );
}

/** Stages that have a span, and its name. The others only write down what these found. */
const SPAN_OF: Readonly<Record<string, string>> = {
  hold: 'guards',
  plan: 'plan',
  guard: 'guards',
  execute: 'action',
  verify: 'verify',
  escalate: 'escalate',
};

/** Runs one stage, within its span where it has one. */
export function runStage(stage: Stage, work: Work, engine: Engine): Promise<StageResult> {
  const name = SPAN_OF[stage.name];
  if (name === undefined || !engine.tracer.enabled) return stage.run(work, engine);
  const { id, trace_id } = work.remediation;
  const options = { name, parent: under(trace_id, id), attributes: aboutWork(stage, work) };
  return engine.tracer.span(options, async (span) => {
    const result = await stage.run(work, engine);
    describe(span, name, work, result);
    return result;
  });
}

function describe(span: Span, name: string, work: Work, result: StageResult): void {
  if (name === 'guards') {
    span.set(verdictOf(result));
    // A look that found what the one before found: only the first of them tells something.
    if (result.kind === 'wait' && isOldNews(work, result.reason)) span.drop();
    return;
  }
  span.set({ 'autoheal.result': result.kind });
  if (!('reason' in result)) return;
  span.set({ 'autoheal.reason': result.reason });
  if (result.kind === 'step_failed' || result.kind === 'escalate') span.fail(result.reason);
}

function isOldNews({ remediation }: Work, reason: string): boolean {
  return remediation.state === 'waiting' && remediation.reason === reason;
}

function verdictOf(result: StageResult): SpanAttributes {
  if (result.kind === 'wait')
    return { 'autoheal.verdict': 'wait', 'autoheal.reason': result.reason };
  if (result.kind !== 'end') return { 'autoheal.verdict': 'allow' };
  const { reason, outcome } = result;
  return {
    'autoheal.verdict': 'refuse',
    'autoheal.reason': reason,
    'autoheal.dry_run': outcome === 'dry_run',
  };
}

function aboutWork(stage: Stage, work: Work): SpanAttributes {
  const { remediation, action, runs } = work;
  return {
    ...aboutRemediation(remediation),
    'autoheal.stage': stage.name,
    'autoheal.step': remediation.step + 1,
    'autoheal.action': action.id,
    'autoheal.targets': remediation.plan?.targets.map((target) => target.id),
    'autoheal.chaos': runs.some((run) => run.chaos),
  };
}

function aboutRemediation(remediation: Remediation): SpanAttributes {
  return {
    'autoheal.alertname': remediation.alertname,
    'autoheal.fingerprint': remediation.fingerprint,
    'autoheal.rule': remediation.rule,
    'autoheal.remediation': remediation.id,
    'autoheal.drill': remediation.drill,
  };
}

/** Under the remediation that made the lease: both are of one trace. */
export function revertSpan(lease: Lease): SpanOptions {
  const remediation = lease.holders[0]?.remediation_id;
  return {
    name: 'revert',
    parent: remediation === undefined ? null : under(lease.trace_id, remediation),
    attributes: {
      'autoheal.alertname': lease.alertname,
      'autoheal.fingerprint': lease.fingerprint,
      'autoheal.rule': lease.rule,
      'autoheal.remediation': remediation,
      'autoheal.lease': lease.id,
      'autoheal.action': lease.action,
      'autoheal.targets': [lease.target.id],
      'autoheal.drill': lease.drill,
      'autoheal.reason': lease.holders.at(-1)?.released,
    },
  };
}

/* ---------------------------------------------------------------- backends */

/** One attempt at a backend. */
export function callSpan(backend: string, action: string | null, attempt: number): SpanOptions {
  return {
    name: `call ${backend}`,
    kind: 'client',
    attributes: {
      'autoheal.backend': backend,
      'autoheal.action': action,
      'autoheal.attempt': attempt,
    },
  };
}
