import type { Alert, ReadResult } from '../core/alerts/alert.ts';
import type { AuditDraft } from '../core/audit/audit.ts';
import { applyAlert, type EpisodeDecision } from '../core/alerts/episode-apply.ts';
import type { Episode } from '../core/alerts/episode.ts';
import {
  readReconcileNote,
  RECONCILE_SOURCE,
  type ReconcileNote,
} from '../core/alerts/reconcile-body.ts';
import { matchRules } from '../core/rules/match.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import type { RuleSet } from '../core/rules/rule.ts';
import type { Change, Delivery } from '../store.ts';
import { auditChange, type Engine } from './deps.ts';
import { newRemediation, prioritySaid } from './new-remediation.ts';
import { mayStartAgain } from './quarantine.ts';
import { type Matched, recordMatch } from './spans.ts';

/** Prometheus's always-firing alert: proof that the way from there to here works. */
export const WATCHDOG = 'Watchdog';
/** "Why not?" entries kept in one audit entry. */
const MISSED_MAX = 50;

/** What one delivery means: its writes, and the counting for after they are on disk. */
export interface Decided {
  readonly changes: readonly Change[];
  readonly count: () => void;
}

type AlertEvent = 'firing' | 'repeated' | 'resolved' | 'late_duplicate' | 'unmapped' | 'unusable';

/** What the deliveries of one batch hand on: the store does not show it before the batch is on disk. */
export interface Batch {
  /** The newest episode of each fingerprint, with what this batch decided so far. */
  readonly episodes: Map<string, Episode>;
  /** Episodes that this batch gave a second chance. */
  readonly rematched: Set<string>;
  /** Remediations of repeated episodes as the batch found them: a storm asks for the same ones again and again. */
  readonly remediations: Map<string, readonly Remediation[]>;
}

interface Deciding {
  readonly engine: Engine;
  readonly rules: RuleSet;
  readonly delivery: Delivery;
  /** Where autoheal wrote the delivery itself, from Alertmanager's API. */
  readonly note: ReconcileNote | undefined;
  readonly batch: Batch;
  readonly changes: Change[];
  readonly events: AlertEvent[];
  readonly matched: Matched[];
}

/** Decides one delivery, alert by alert. `batch` is carried on from delivery to delivery. */
export async function decideDelivery(
  delivery: Delivery,
  read: ReadResult,
  batch: Batch,
  engine: Engine,
): Promise<Decided> {
  const rules = engine.rulebook.current();
  if (rules === undefined) throw new Error('no rules are loaded');
  const note = noteOf(delivery);
  const run: Deciding = {
    engine,
    rules,
    delivery,
    note,
    batch,
    changes: [],
    events: [],
    matched: [],
  };
  if (!read.ok) {
    received(run, 'unreadable', { why: read.detail });
    return { changes: run.changes, count: () => undefined };
  }
  const { alerts, unusable, receiver, truncated_alerts, notification_reason } = read.delivery;
  received(run, 'accepted', {
    alerts: alerts.length,
    receiver,
    truncated_alerts,
    notification_reason,
    ...(note === undefined ? {} : { reconcile: note.reason }),
    ...(unusable.length > 0
      ? { unusable: unusable.slice(0, MISSED_MAX).map(({ index, why }) => ({ index, why })) }
      : {}),
  });
  for (const _ of unusable) run.events.push('unusable');
  for (const alert of alerts) {
    const decision = decisionOf(run, alert);
    if (decision.kind !== 'repeat') decided(run, alert, decision);
    else await repeated(run, decision.episode, await remediationsOf(run, decision.episode));
  }
  // Only a post proves that the way from there to here works.
  const posted = note === undefined;
  const watchdog = alerts.some(
    (alert) => posted && alert.alertname === WATCHDOG && alert.status === 'firing',
  );
  return {
    changes: run.changes,
    count() {
      for (const event of run.events) engine.metrics.alerts(event);
      for (const matched of run.matched) recordMatch(engine, delivery, matched);
      if (!watchdog) return;
      engine.metrics.watchdog(delivery.received_at);
      engine.watchdog.saw(delivery.received_at);
    },
  };
}

/** Only our own deliveries have the source; a request that has the words in its body does not. */
function noteOf({ source, body }: Delivery): ReconcileNote | undefined {
  return source === RECONCILE_SOURCE ? readReconcileNote(body) : undefined;
}

function received(run: Deciding, result: string, detail: AuditDraft['detail']): void {
  const { delivery } = run;
  audit(run, {
    kind: 'webhook_received',
    result,
    actor: delivery.source,
    trace_id: delivery.trace_id,
    detail: { delivery: delivery.id, bytes: delivery.body.byteLength, ...detail },
  });
}

function decisionOf(
  { delivery, engine, batch, rules, note }: Deciding,
  alert: Alert,
): EpisodeDecision {
  return applyAlert(batch.episodes.get(alert.fingerprint), alert, {
    received_at: delivery.received_at,
    source: delivery.source,
    trace_id: delivery.trace_id,
    new_id: engine.ids.next(),
    rules_version: rules.version,
    ...(note === undefined ? {} : { poll_began_at: note.poll_began_at }),
  });
}

function decided(
  run: Deciding,
  alert: Alert,
  decision: Exclude<EpisodeDecision, { kind: 'repeat' }>,
): void {
  switch (decision.kind) {
    case 'open':
      return opened(run, decision.episode);
    case 'close':
      return closed(run, decision.episode);
    case 'late_duplicate':
      run.events.push('late_duplicate');
      return skipped(run, alert, decision.kind, decision.why);
    case 'late_resolve':
    case 'overtaken':
    case 'resolved_again':
    case 'resolved_unknown':
      return skipped(run, alert, decision.kind, decision.why);
  }
}

async function remediationsOf(
  { engine, batch }: Deciding,
  { id }: Episode,
): Promise<readonly Remediation[]> {
  const known = batch.remediations.get(id);
  if (known !== undefined) return known;
  const found = await engine.store.remediationsOf(id);
  batch.remediations.set(id, found);
  return found;
}

function opened(run: Deciding, episode: Episode): void {
  run.events.push('firing');
  keep(run, episode);
  audit(run, {
    ...aboutEpisode(episode),
    kind: 'alert_firing',
    actor: run.delivery.source,
    detail: {
      labels: { ...episode.labels },
      starts_at_ms: episode.starts_at,
      delivery: run.delivery.id,
    },
  });
  match(run, episode, true);
}

/**
 * A repeat is fresh evidence that it fires. It also gives a second chance where none was taken: rules changed
 * since they last looked, the last run ended only because its evidence had grown stale, or a quarantine is over.
 */
async function repeated(
  run: Deciding,
  episode: Episode,
  before: readonly Remediation[],
): Promise<void> {
  run.events.push('repeated');
  const looked = episode.matched_rules === run.rules.version;
  const chance = before.length === 0 ? !looked : await mayStartAgain(before, run.engine);
  const again = chance && !run.batch.rematched.has(episode.id);
  if (again) run.batch.rematched.add(episode.id);
  const next = again ? { ...episode, matched_rules: run.rules.version } : episode;
  keep(run, next, again ? 'episode_put' : 'episode_repeat');
  run.changes.push({ kind: 'leases_wake', episode_id: episode.id });
  if (again) match(run, next, false);
}

function closed(run: Deciding, episode: Episode): void {
  run.events.push('resolved');
  keep(run, episode);
  run.changes.push(
    { kind: 'remediations_wake', episode_id: episode.id },
    { kind: 'leases_wake', episode_id: episode.id },
  );
  audit(run, {
    ...aboutEpisode(episode),
    kind: 'alert_resolved',
    actor: run.delivery.source,
    reason: episode.close_reason,
    duration_ms: (episode.closed_at ?? episode.opened_at) - episode.opened_at,
    detail: { delivery: run.delivery.id, firings: episode.firings },
  });
}

/** Matches the episode and creates a remediation for each chosen rule. `first`: it just opened. */
function match(run: Deciding, episode: Episode, first: boolean): void {
  const from = run.engine.clock.now();
  const { chosen, missed } = matchRules(run.rules.rules, episode.labels);
  const why_not = missed.slice(0, MISSED_MAX).map(({ rule, matcher }) => ({ rule, matcher }));
  if (chosen.length === 0) {
    run.events.push('unmapped');
    audit(run, {
      ...aboutEpisode(episode),
      kind: 'decision_skip',
      result: 'skipped',
      reason: 'unmapped',
      detail: { why: 'no rule matches', first_failing_matchers: why_not },
    });
  }
  for (const rule of chosen) {
    const remediation = newRemediation(run.engine, episode, rule, first);
    run.changes.push({ kind: 'remediation_add', remediation });
    audit(run, {
      ...aboutEpisode(episode),
      kind: 'decision_run',
      rule: rule.name,
      remediation: remediation.id,
      result: 'planned',
      detail: {
        rule_hash: rule.hash,
        steps: rule.steps.map((step) => step.action),
        first_failing_matchers: why_not,
        ...prioritySaid(remediation, episode, run.engine),
      },
    });
  }
  run.matched.push({ episode, first, rules: chosen.map(({ name }) => name), from });
}

function skipped(run: Deciding, alert: Alert, reason: string, why: string): void {
  audit(run, {
    kind: 'decision_skip',
    alertname: alert.alertname,
    fingerprint: alert.fingerprint,
    drill: alert.drill,
    trace_id: run.delivery.trace_id,
    result: 'skipped',
    reason,
    detail: { why, status: alert.status, delivery: run.delivery.id },
  });
}

function keep(
  run: Deciding,
  episode: Episode,
  kind: 'episode_put' | 'episode_repeat' = 'episode_put',
): void {
  run.batch.episodes.set(episode.fingerprint, episode);
  run.changes.push({ kind, episode });
}

function audit(run: Deciding, draft: AuditDraft): void {
  run.changes.push(auditChange(run.engine, draft));
}

function aboutEpisode(episode: Episode): Omit<AuditDraft, 'kind'> {
  const { alertname, fingerprint, drill, trace_id } = episode;
  return { alertname, fingerprint, episode: episode.id, drill, trace_id };
}
