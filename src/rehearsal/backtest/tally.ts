import type { AuditEntry } from '../../core/audit/audit.ts';
import { OUTCOMES, type Outcome } from '../../core/healing/remediation.ts';

/** What one rule set did over a record: counted from the audit entries of its rehearsal. Plain data, so that it can cross to another thread. */
export interface Tally {
  /** By name of the rule. */
  readonly rules: ReadonlyMap<string, RuleTally>;
  /** By `keyOf`. */
  readonly actions: ReadonlyMap<string, ActionTally>;
  /** Firings that a rule was chosen for, by fingerprint and time of opening: the same for every rule set. */
  readonly episodes: ReadonlyMap<string, EpisodeTally>;
  /** Of those beyond EPISODES_MAX only the numbers above are known. */
  readonly episodes_left_out: number;
}
export interface RuleTally {
  /** Remediations it began. */
  readonly runs: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly approvals: number;
  /** Times that it began to wait, and ends without an action, by the word of the guard. */
  readonly waits: Readonly<Record<string, number>>;
  readonly refusals: Readonly<Record<string, number>>;
}
export interface ActionTally {
  readonly action: string;
  readonly target: string;
  readonly starts: number;
  readonly failures: number;
  /** What dry-run previewed instead. */
  readonly previews: number;
  /** The first starts, ms since the epoch. */
  readonly first: readonly number[];
}
export interface EpisodeTally {
  readonly alertname: string;
  readonly fingerprint: string;
  /** Ms since the epoch. */
  readonly opened_at: number;
  /** What was done for it and how it ended, in order: `scale_workers compose/worker`, `import-backlog: healed`. */
  readonly deeds: readonly string[];
}

/** Firings whose deeds are kept one by one. */
export const EPISODES_MAX = 200_000;
/** Of one firing: the rest of a long one is counted in its action. */
const DEEDS_MAX = 50;
/** Dates that are shown of one action. */
const FIRST_MAX = 3;

type Open<T> = { -readonly [K in keyof T]: T[K] };
type Counts = Record<string, number>;
type OpenRule = Omit<Open<RuleTally>, 'outcomes' | 'waits' | 'refusals'> & {
  readonly outcomes: Record<Outcome, number>;
  readonly waits: Counts;
  readonly refusals: Counts;
};
type OpenAction = Omit<Open<ActionTally>, 'first'> & { readonly first: number[] };
type OpenEpisode = Omit<EpisodeTally, 'deeds'> & { readonly deeds: string[] };

export interface Teller {
  /** Counts one entry that is on disk. In the order of the log. */
  tell(entry: AuditEntry): void;
  readonly tally: Tally;
}

export function createTeller(): Teller {
  const rules = new Map<string, OpenRule>();
  const actions = new Map<string, OpenAction>();
  const { episodes, firing, chosen, deed, leftOut } = createDeeds();

  function ruleOf(name: string): OpenRule {
    const known = rules.get(name);
    if (known !== undefined) return known;
    const outcomes = Object.fromEntries(OUTCOMES.map((one) => [one, 0])) as Record<Outcome, number>;
    const made: OpenRule = { runs: 0, outcomes, approvals: 0, waits: {}, refusals: {} };
    rules.set(name, made);
    return made;
  }

  function actionOf(action: string, target: string): OpenAction {
    const key = keyOf(action, target);
    const known = actions.get(key);
    if (known !== undefined) return known;
    const made: OpenAction = { action, target, starts: 0, failures: 0, previews: 0, first: [] };
    actions.set(key, made);
    return made;
  }

  function act(entry: AuditEntry): void {
    const { kind, action, target, ts } = entry;
    if (action === null || target === null) return;
    const row = actionOf(action, target);
    if (kind === 'action_fail') row.failures += 1;
    if (kind === 'action_dry_run') row.previews += 1;
    if (kind !== 'action_start') return;
    row.starts += 1;
    if (row.first.length < FIRST_MAX) row.first.push(ts);
    deed(entry, `${action} ${target}`);
  }

  function done(entry: AuditEntry, rule: OpenRule): void {
    const outcome = OUTCOMES.find((one) => one === entry.result);
    if (outcome === undefined) return;
    rule.outcomes[outcome] += 1;
    const why = outcome === 'refused' ? ` (${entry.reason ?? '?'})` : '';
    deed(entry, `${entry.rule}: ${outcome}${why}`);
  }

  function decided(entry: AuditEntry, name: string): void {
    const rule = ruleOf(name);
    const reason = entry.reason ?? '?';
    if (entry.kind === 'decision_run') {
      rule.runs += 1;
      chosen(entry);
    } else if (entry.kind === 'decision_wait') count(rule.waits, reason);
    else if (entry.kind === 'decision_skip') count(rule.refusals, reason);
    else if (entry.kind === 'approval_requested') rule.approvals += 1;
    else if (entry.kind === 'remediation_done') done(entry, rule);
  }

  return {
    tell(entry) {
      if (entry.kind === 'alert_firing') firing(entry);
      // What says nothing of a remediation decides nothing: `unmapped`, late copies.
      else if (entry.rule !== null && entry.remediation !== null) {
        act(entry);
        decided(entry, entry.rule);
      }
    },
    get tally() {
      return { rules, actions, episodes, episodes_left_out: leftOut() };
    },
  };
}

/** What was done for each firing. */
function createDeeds() {
  const episodes = new Map<string, OpenEpisode>();
  /** By the id that this rehearsal gave it; only once a rule is chosen is it worth a place. */
  const opened = new Map<string, OpenEpisode>();
  let left_out = 0;

  function firing({ episode, alertname, fingerprint, ts }: AuditEntry): void {
    if (episode === null) return;
    const row = { alertname: alertname ?? '', fingerprint: fingerprint ?? '', opened_at: ts };
    opened.set(episode, { ...row, deeds: [] });
  }

  function chosen({ episode }: AuditEntry): void {
    const row = opened.get(episode ?? '');
    if (row === undefined) return;
    const key = `${row.fingerprint}@${row.opened_at}`;
    if (episodes.has(key)) return;
    if (episodes.size >= EPISODES_MAX) left_out += 1;
    else episodes.set(key, row);
  }

  function deed({ episode }: AuditEntry, text: string): void {
    const row = opened.get(episode ?? '');
    if (row !== undefined && row.deeds.length < DEEDS_MAX) row.deeds.push(text);
  }

  return { episodes, firing, chosen, deed, leftOut: () => left_out };
}

export function keyOf(action: string, target: string): string {
  return `${action} ${target}`;
}

function count(into: Counts, word: string): void {
  into[word] = (into[word] ?? 0) + 1;
}
