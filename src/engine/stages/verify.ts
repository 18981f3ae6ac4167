import { ActionError } from '../../action.ts';
import type { JsonObject } from '../../core/json.ts';
import type { ActionRun } from '../../core/healing/remediation.ts';
import type { HttpCheck, TcpCheck } from '../../core/rules/rule.ts';
import { renderAddress, renderPromql, renderUrl } from '../../core/rules/template.ts';
import { afterLook, type Look, verdictOf } from '../../core/healing/verify.ts';
import { CallFailed } from '../call.ts';
import { callAction } from '../call-action.ts';
import type { PromQuery } from '../../ports.ts';
import type { Engine } from '../deps.ts';
import { callSpan } from '../spans.ts';
import type { Stage, StageResult, Work } from '../work.ts';

/** One look may take this long. */
const LOOK_DEADLINE_MS = 5_000;

/** Is the symptom really gone? An exit code is not evidence. */
export const verify: Stage = { name: 'verify', states: ['verifying'], run };

async function run(work: Work, engine: Engine): Promise<StageResult> {
  const { remediation, step } = work;
  const progress = remediation.verify;
  if (progress === null) throw new Error('the verify stage needs a verification');
  const settled_at = progress.started_at + step.verify.settle_ms;
  if (engine.clock.now() < settled_at) return { kind: 'again', at: settled_at, remediation };
  const look = await lookOnce(work, engine);
  const now = engine.clock.now();
  const after = afterLook(progress, look, now);
  const seen: Work = { ...work, remediation: { ...remediation, verify: after } };
  const verdict = verdictOf(after, look, step.verify, now);
  if (verdict.kind === 'pending')
    return { kind: 'again', at: verdict.at, remediation: seen.remediation };
  const detail: JsonObject = {
    check: step.verify.check.kind,
    found: look.detail,
    checks: after.checks,
    took_ms: now - after.started_at,
  };
  if (verdict.kind === 'healthy') {
    const drafts = [{ kind: 'verify_ok' as const, result: 'healthy', detail }];
    return { kind: 'end', outcome: 'healed', reason: 'verified', detail: look.detail, drafts };
  }
  return {
    kind: 'step_failed',
    reason: verdict.reason,
    detail: `not healed by the action: ${look.detail}`,
    drafts: [{ kind: 'verify_fail', result: verdict.reason, reason: verdict.reason, detail }],
  };
}

async function lookOnce(work: Work, engine: Engine): Promise<Look> {
  const { check } = work.step.verify;
  switch (check.kind) {
    case 'resolved':
      return resolvedLook(work, engine);
    case 'promql':
      return promqlLook(work, check.expr, engine);
    case 'http':
      return httpLook(work, check, engine);
    case 'tcp':
      return tcpLook(work, check, engine);
    case 'health':
      return healthLook(work, engine);
  }
}

/** A resolve that comes while we are blind is no evidence: an alert that nobody can send has resolved as well. */
async function resolvedLook({ episode, remediation, step }: Work, engine: Engine): Promise<Look> {
  if (episode.state !== 'closed') return { state: 'not_yet', detail: 'the alert still fires' };
  const blind = engine.watch.blind();
  if (blind.length > 0) return { state: 'blind', detail: `it resolved, but ${blind.join('; ')}` };
  const { fingerprint, id } = episode;
  const latest = (await engine.store.latestEpisodes([fingerprint])).get(fingerprint);
  // Also one that came and went between two looks broke it.
  const settled_at = (remediation.verify?.started_at ?? 0) + step.verify.settle_ms;
  const again = latest !== undefined && latest.id !== id;
  if (again && (latest.closed_at ?? Number.POSITIVE_INFINITY) > settled_at)
    return { state: 'flapped', detail: 'the alert resolved and fired again' };
  return { state: 'holds', detail: 'the alert resolved' };
}

async function promqlLook(work: Work, expr: string, engine: Engine): Promise<Look> {
  const rendered = renderPromql(expr, work.episode);
  if (!rendered.ok) return { state: 'blind', detail: rendered.message };
  return looking('prometheus', 'Prometheus', engine, (signal) =>
    engine.prometheus.holds(rendered.value, signal),
  );
}

async function httpLook(work: Work, { url, status }: HttpCheck, engine: Engine): Promise<Look> {
  const rendered = renderUrl(url, work.episode);
  if (!rendered.ok) return { state: 'blind', detail: rendered.message };
  const expected = status === null ? {} : { expect_status: status };
  return looking('http', 'HTTP', engine, (signal) =>
    engine.probes.http(rendered.value, { ...expected, signal }),
  );
}

async function tcpLook(work: Work, { address }: TcpCheck, engine: Engine): Promise<Look> {
  const rendered = renderAddress(address, work.episode);
  if (!rendered.ok) return { state: 'blind', detail: rendered.message };
  const { host, port } = rendered.value;
  return looking('tcp', 'TCP', engine, (signal) => engine.probes.tcp(host, port, signal));
}

/** A look is not an action: it has its own end, and no breaker stands between us and the evidence. */
async function looking(
  backend: string,
  name: string,
  engine: Engine,
  ask: (signal: AbortSignal) => ReturnType<PromQuery['holds']>,
): Promise<Look> {
  try {
    const found = await engine.tracer.span(callSpan(backend, null, 1), () =>
      ask(AbortSignal.timeout(LOOK_DEADLINE_MS)),
    );
    return { state: found.holds ? 'holds' : 'not_yet', detail: found.detail };
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    return { state: 'blind', detail: `${name}: ${error.code}: ${error.message}` };
  }
}

async function healthLook(work: Work, engine: Engine): Promise<Look> {
  const looks: Look[] = [];
  for (const row of work.runs) looks.push(await targetLook(work, row, engine));
  const worst =
    looks.find((look) => look.state === 'failed') ??
    looks.find((look) => look.state === 'blind') ??
    looks.find((look) => look.state === 'not_yet');
  return worst ?? { state: 'holds', detail: looks.map((look) => look.detail).join('; ') };
}

async function targetLook(work: Work, row: ActionRun, engine: Engine): Promise<Look> {
  const { verify: ask } = work.action;
  if (ask === undefined) return { state: 'blind', detail: `${work.action.id} knows no health` };
  try {
    const { value } = await callAction(work, engine, {
      idempotency_key: row.id,
      params: row.params,
      within_ms: LOOK_DEADLINE_MS,
      intent_at: row.started_at,
      ask: (params, context) => ask(params, row.target, row.evidence ?? {}, context),
    });
    const states = { healthy: 'holds', pending: 'not_yet', failed: 'failed' } as const;
    return { state: states[value], detail: `${row.target.name} is ${value}` };
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    return {
      state: 'blind',
      detail: `${row.target.name}: ${error.failure.code}: ${error.failure.message}`,
    };
  }
}
