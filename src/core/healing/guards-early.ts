import type { EarlyFacts } from './guard-facts.ts';
import { ALLOW, RECHECK_MS, refuse, seconds, type Verdict, wait } from './guard-words.ts';
import { describeHold, type Hold, holdCovers } from './hold.ts';

/** The guards that need no plan: is healing wanted, and does the alert fire as far as anybody can see? */

export function paused(facts: EarlyFacts): Verdict {
  if (facts.mode !== 'paused') return ALLOW;
  return wait('paused', facts.paused_until ?? facts.now + RECHECK_MS, facts.pause_detail);
}

export function held(facts: EarlyFacts): Verdict {
  const hold = covering(facts, (kind) => kind !== 'quarantine');
  if (hold === undefined) return ALLOW;
  return wait('held', hold.until ?? facts.now + RECHECK_MS, describeHold(hold));
}

export function stale({ now, episode, guard }: EarlyFacts): Verdict {
  if (episode.state === 'closed') return ALLOW;
  const age_ms = now - episode.last_firing_at;
  if (age_ms <= guard.max_age_ms) return ALLOW;
  return refuse(
    'stale',
    `the last evidence that it fires is ${seconds(age_ms)} old; max_age is ${seconds(guard.max_age_ms)}`,
  );
}

/** What only the API no longer shows waits: Alertmanager may have restarted, or its word is under way. */
export function resolved({ now, episode, seen }: EarlyFacts): Verdict {
  if (episode.state === 'closed')
    return refuse('resolved', `the alert no longer fires: ${episode.close_reason ?? 'closed'}`);
  if (seen?.state !== 'absent' || !seen.witnessed) return ALLOW;
  return wait('resolved', now + RECHECK_MS, 'Alertmanager does not show the alert any more');
}

export function silenced({ now, seen }: EarlyFacts): Verdict {
  if (seen?.state !== 'suppressed') return ALLOW;
  const by = [
    ...seen.silenced_by.map((id) => `silence ${id}`),
    ...seen.inhibited_by.map((id) => `alert ${id}`),
    ...seen.muted_by.map((name) => `the route's time interval ${name}`),
  ];
  return wait('silenced', now + RECHECK_MS, `suppressed in Alertmanager by ${by.join(', ')}`);
}

export function blind({ now, blind: reasons, seen }: EarlyFacts): Verdict {
  if (reasons.length > 0) return wait('blind', now + RECHECK_MS, reasons.join('; '));
  if (seen?.state !== 'unknown') return ALLOW;
  const said = 'not every Alertmanager answers, and of those that do none shows the alert';
  return wait('blind', now + RECHECK_MS, said);
}

export function precondition({ now, preconditions }: EarlyFacts): Verdict {
  const open = preconditions.find(({ state }) => state !== 'holds');
  if (open === undefined) return ALLOW;
  const what = open.state === 'fails' ? 'does not hold' : 'cannot be read';
  return wait('precondition', now + RECHECK_MS, `${open.expr} ${what}: ${open.detail}`);
}

export function notDuring({ windows }: EarlyFacts): Verdict {
  const inside = windows.find((window) => window.inside);
  if (inside === undefined) return ALLOW;
  return wait('not_during', inside.until, `the time interval ${inside.name} is now`);
}

/** The hold or quarantine that covers the remediation as far as it is known. */
export function covering(
  facts: EarlyFacts,
  wanted: (kind: Hold['kind']) => boolean,
): Hold | undefined {
  const { alertname, fingerprint, id } = facts.episode;
  const { rule, targets } = facts;
  const subject = { alertname, fingerprint, episode: id, rule, targets };
  return facts.holds.find((hold) => wanted(hold.kind) && holdCovers(hold, subject));
}
