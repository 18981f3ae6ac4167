import type { Health } from '../../action.ts';
import { readDelivery, type Alert } from '../../core/alerts/alert.ts';
import type { Episode } from '../../core/alerts/episode.ts';
import { applyAlert } from '../../core/alerts/episode-apply.ts';
import { readReconcileNote, RECONCILE_SOURCE } from '../../core/alerts/reconcile-body.ts';
import type { Labels } from '../../core/json.ts';
import { matchRules } from '../../core/rules/match.ts';
import type { Rule, RuleSet, VerifySpec } from '../../core/rules/rule.ts';
import { renderAddress, renderPromql, renderUrl } from '../../core/rules/template.ts';
import type { RecordedDelivery } from './filter.ts';
import type { WorldSpec } from '../world-spec.ts';

/**
 * What the record says of the world: a symptom is gone if and only if its alert resolved. A check that several alerts
 * ask holds once none of them fires.
 */
export interface RecordedWorld {
  /** Tells what a delivery means before the engine has it; undefined: nothing that anybody looks at. */
  note(delivery: RecordedDelivery): Noted | undefined;
  /** Of a target that is looked at for this alert. */
  health(fingerprint: string): Health;
}

export interface Noted {
  readonly world: WorldSpec;
  /** What is answered another way from now on: `questionKey`, `alertKey`. */
  readonly moved: ReadonlySet<string>;
}

type Check = Exclude<VerifySpec['check'], { readonly kind: 'resolved' | 'health' }>;
type Kind = Check['kind'];
interface Asked {
  readonly kind: Kind;
  readonly what: string;
}
interface Followed {
  readonly episode: Episode | undefined;
  readonly asked: readonly Asked[];
}

export function createRecordedWorld({ rules }: RuleSet): RecordedWorld {
  const follows = rules.some((rule) => checksOf(rule).length > 0 || looksAtHealth(rule));
  const known = new Map<string, Followed | null>();
  /** How many alerts that fire ask it. */
  const open = new Map<string, number>();

  function followed(alert: Alert): Followed | null {
    const before = known.get(alert.fingerprint);
    if (before !== undefined) return before;
    const { chosen } = matchRules(rules, alert.labels);
    const looked = chosen.some((rule) => checksOf(rule).length > 0 || looksAtHealth(rule));
    const made = looked ? { episode: undefined, asked: [] } : null;
    known.set(alert.fingerprint, made);
    return made;
  }

  function count(asked: readonly Asked[], by: 1 | -1, { world, moved }: Changes): void {
    for (const one of asked) {
      const { kind, what } = one;
      const key = keyOf(one);
      const before = open.get(key) ?? 0;
      const now = before + by;
      if (before > 0 !== now > 0) moved.add(key);
      if (now > 0) open.set(key, now);
      else open.delete(key);
      world[kind][what] = now <= 0;
    }
  }

  function apply(alert: Alert, delivery: RecordedDelivery, polled: Polled, into: Changes): void {
    const before = followed(alert);
    if (before === null) return;
    // As the engine decides it, so that a late copy opens nothing here either.
    const decision = applyAlert(before.episode, alert, {
      received_at: delivery.at,
      source: delivery.source,
      trace_id: null,
      new_id: '',
      rules_version: '',
      ...polled,
    });
    if (!('episode' in decision)) return;
    const { episode } = decision;
    const asked = decision.kind === 'open' ? askedBy(rules, alert) : before.asked;
    if (decision.kind === 'open') count(asked, 1, into);
    if (decision.kind === 'close') count(asked, -1, into);
    if (decision.kind === 'open' || decision.kind === 'close')
      into.moved.add(alertKey(alert.fingerprint));
    known.set(alert.fingerprint, { episode, asked: decision.kind === 'close' ? [] : asked });
  }

  return {
    note(delivery) {
      if (!follows) return undefined;
      const read = readDelivery(delivery.body);
      if (!read.ok) return undefined;
      const into: Changes = { world: { promql: {}, http: {}, tcp: {} }, moved: new Set() };
      for (const alert of read.delivery.alerts) apply(alert, delivery, polledOf(delivery), into);
      return into;
    },
    health: (fingerprint) =>
      known.get(fingerprint)?.episode?.state === 'open' ? 'pending' : 'healthy',
  };
}

interface Changes {
  readonly world: Readonly<Record<Kind, Record<string, boolean>>>;
  readonly moved: Set<string>;
}
type Polled = { readonly poll_began_at?: number };

function polledOf({ source, body }: RecordedDelivery): Polled {
  const note = source === RECONCILE_SOURCE ? readReconcileNote(body) : undefined;
  return note === undefined ? {} : { poll_began_at: note.poll_began_at };
}

function looksAtHealth({ steps }: Rule): boolean {
  return steps.some(({ verify }) => verify.check.kind === 'health');
}

function checksOf({ steps }: Rule): readonly Check[] {
  return steps.flatMap(({ verify: { check } }) =>
    check.kind === 'resolved' || check.kind === 'health' ? [] : [check],
  );
}

/** What the verifications of its rules will ask, as they will render it. What cannot be rendered nobody asks. */
function askedBy(rules: readonly Rule[], alert: Alert): readonly Asked[] {
  const checks = matchRules(rules, alert.labels).chosen.flatMap(checksOf);
  return checks.flatMap((check) => {
    const what = rendered(check, alert);
    return what === undefined ? [] : [{ kind: check.kind, what }];
  });
}

/** What a verification asks; nothing where it cannot be rendered, or asks of its alert alone. */
export function questionKey(check: VerifySpec['check'], scope: Scope): readonly string[] {
  if (check.kind === 'resolved' || check.kind === 'health') return [];
  const what = rendered(check, scope);
  return what === undefined ? [] : [keyOf({ kind: check.kind, what })];
}

export function alertKey(fingerprint: string): string {
  return `alert ${fingerprint}`;
}

function keyOf({ kind, what }: Asked): string {
  return `${kind}: ${what}`;
}

type Scope = { readonly labels: Labels; readonly annotations: Labels };

function rendered(check: Check, scope: Scope): string | undefined {
  if (check.kind === 'tcp') {
    const found = renderAddress(check.address, scope);
    if (!found.ok) return undefined;
    const { host, port } = found.value;
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  }
  const found =
    check.kind === 'promql' ? renderPromql(check.expr, scope) : renderUrl(check.url, scope);
  return found.ok ? found.value : undefined;
}
