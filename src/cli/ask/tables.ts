import { oneLine } from '../plain.ts';
import { type Column, rowLine, tableText } from './table.ts';

/** The API's answers, as far as they are shown to people. Times come as RFC 3339 UTC. */

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}
export interface Episode {
  readonly id: string;
  readonly fingerprint: string;
  readonly alertname: string;
  readonly state: string;
  readonly opened_at: string;
  readonly close_reason: string | null;
  readonly firings: number;
}
export interface Remediation {
  readonly id: string;
  readonly alertname: string;
  readonly fingerprint: string;
  readonly rule: string;
  readonly state: string;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly step: number;
  readonly priority: number;
  readonly priority_of: string | null;
  readonly created_at: string;
  readonly next_at: string | null;
}
export interface Story extends Remediation {
  readonly episode_id: string;
  readonly started_by: string | null;
  readonly ended_at: string | null;
  readonly plan: { readonly targets: readonly { readonly cmd: string }[] } | null;
  readonly verify: { readonly last: string; readonly deadline_at: string } | null;
  readonly cancel: { readonly actor: string; readonly reason: string } | null;
  readonly runs: readonly {
    readonly started_at: string;
    readonly step: number;
    readonly action: string;
    readonly state: string;
    readonly target: { readonly id: string; readonly cmd: string };
    readonly error: string | null;
  }[];
  readonly audit: readonly AuditItem[];
}
export interface AuditItem {
  readonly ts: string;
  readonly kind: string;
  readonly alertname: string | null;
  readonly rule: string | null;
  readonly target: string | null;
  readonly cmd: string | null;
  readonly result: string | null;
  readonly reason: string | null;
  readonly actor: string;
  readonly chaos: boolean;
  readonly drill: boolean;
}
export interface Delivery {
  readonly id: string;
  readonly received_at: string;
  readonly source: string;
  readonly bytes: number;
  readonly state: string;
  readonly error: string | null;
}
export interface Flag {
  readonly key: string;
  readonly value: unknown;
  readonly default: unknown;
  readonly summary: string;
  readonly lease: { readonly rule: string; readonly until: string } | null;
  readonly updated_at: string | null;
  readonly actor: string | null;
}
const HELD_BY = ['alertname', 'fingerprint', 'episode', 'rule', 'target'] as const;
export interface Hold extends Readonly<Record<(typeof HELD_BY)[number], string | null>> {
  readonly id: string;
  readonly kind: string;
  readonly reason: string;
  readonly actor: string;
  readonly since: string;
  readonly until: string | null;
}
export interface Approval {
  readonly remediation_id: string;
  readonly plan_hash: string;
  readonly role: string;
  readonly cmds: readonly string[];
  readonly why: string;
  readonly asked_at: string;
  readonly expires_at: string;
}

export function alertsText(items: readonly Episode[], colours: boolean): string {
  return listText(
    'No alert fits.',
    ['opened', 'state', 'alert', 'fingerprint', 'firings', 'episode'],
    items.map(({ opened_at, state, close_reason, alertname, fingerprint, firings, id }) => [
      time(opened_at),
      close_reason === null ? state : `${state} (${close_reason})`,
      alertname,
      fingerprint,
      firings,
      id,
    ]),
    colours,
  );
}

export function remediationsText(items: readonly Remediation[], colours: boolean): string {
  return listText(
    'No remediation fits.',
    ['created', 'state', 'rule', 'alert', 'step', 'burns', 'id', 'why'],
    items.map((one) => [
      time(one.created_at),
      one.outcome ?? one.state,
      one.rule,
      one.alertname,
      one.step,
      burnsText(one),
      one.id,
      joined([one.reason, one.detail], ': '),
    ]),
    colours,
  );
}

/** `22x`, the burn rate that gives it its priority; null: none. */
function burnsText({ priority }: Remediation): string | null {
  return priority === 0 ? null : `${priority / 10}x`;
}

export function storyText(story: Story, colours: boolean): string {
  const { id, rule, alertname, fingerprint, plan, verify, cancel, runs, audit } = story;
  const facts: readonly (readonly [string, string | null | undefined])[] = [
    ['alert', `${alertname}, fingerprint ${fingerprint}, episode ${story.episode_id}`],
    ['state', joined([story.outcome ?? story.state, story.reason, story.detail], ': ')],
    ['step', String(story.step)],
    ['created', joined([time(story.created_at), story.started_by], ' by ')],
    ['priority', story.priority_of && `${story.priority}, ${story.priority_of}`],
    ['ended', story.ended_at && time(story.ended_at)],
    ['looks again', story.next_at && time(story.next_at)],
    ['plan', plan?.targets.map(({ cmd }) => cmd).join('; ')],
    ['verifying', verify && `${verify.last}, until ${time(verify.deadline_at)}`],
    ['cancelled', cancel && `by ${cancel.actor}: ${cancel.reason}`],
  ];
  const shown = facts.flatMap(([name, said]) =>
    said ? [`${`${name}:`.padEnd(FACT_WIDTH)}${oneLine(said)}`] : [],
  );
  const ran = runs.map((run) => [
    time(run.started_at),
    run.step,
    run.state,
    run.action,
    run.target.cmd,
    run.error,
  ]);
  return [
    `${oneLine(`Remediation ${id} of rule ${rule}`)}\n${shown.join('\n')}\n`,
    listText(
      'It ran nothing.',
      ['started', 'step', 'state', 'action', 'command', 'error'],
      ran,
      colours,
    ),
    auditText(audit, colours),
  ].join('\n');
}
const FACT_WIDTH = 13;

/** As wide as most are: with --follow the next entry is not known yet. */
const AUDIT_COLUMNS: readonly Column[] = [
  { title: 'time', min: 20 },
  { title: 'kind', min: 18 },
  { title: 'alert', min: 20 },
  { title: 'rule', min: 16 },
  { title: 'result', min: 8 },
  { title: 'what' },
];
function auditRow(entry: AuditItem): readonly (string | null)[] {
  const { ts, kind, alertname, rule, target, cmd, result, reason, actor, chaos, drill } = entry;
  const who = actor === 'autoheal' ? null : `by ${actor}`;
  const marks = [chaos ? 'chaos' : null, drill ? 'drill' : null];
  return [
    time(ts),
    kind,
    alertname,
    rule,
    result,
    joined([cmd ?? target, reason, who, ...marks], '; '),
  ];
}

export function auditText(items: readonly AuditItem[], colours: boolean): string {
  if (items.length === 0) return 'No entry of the audit log fits.\n';
  return tableText(AUDIT_COLUMNS, items.map(auditRow), colours);
}

/** One entry, as a line of its own. */
export function auditLine(entry: AuditItem, colours: boolean): string {
  return rowLine(AUDIT_COLUMNS, auditRow(entry), colours);
}

export function deliveriesText(items: readonly Delivery[], colours: boolean): string {
  return listText(
    'Nothing was delivered.',
    ['received', 'state', 'source', 'bytes', 'id', 'error'],
    items.map(({ received_at, state, source, bytes, id, error }) => [
      time(received_at),
      state,
      source,
      bytes,
      id,
      error,
    ]),
    colours,
  );
}

export function flagsText(items: readonly Flag[], colours: boolean): string {
  return listText(
    'The policy declares no flag.',
    ['key', 'value', 'default', 'lease', 'changed', 'summary'],
    items.map(({ key, value, default: usual, lease, updated_at, actor, summary }) => [
      key,
      String(value),
      String(usual),
      lease && `${lease.rule} until ${time(lease.until)}`,
      updated_at && joined([time(updated_at), actor], ' by '),
      summary,
    ]),
    colours,
  );
}

export function holdsText(items: readonly Hold[], colours: boolean): string {
  return listText(
    'Nothing is held.',
    ['kind', 'of', 'until', 'since', 'by', 'id', 'reason'],
    items.map((hold) => [
      hold.kind,
      HELD_BY.flatMap((key) => (hold[key] === null ? [] : [`${key}=${hold[key]}`])).join(' '),
      untilText(hold.until),
      time(hold.since),
      hold.actor,
      hold.id,
      hold.reason,
    ]),
    colours,
  );
}

/** What waits, with the command that allows it: all that is granted by it is above it. */
export function approvalsText(items: readonly Approval[]): string {
  if (items.length === 0) return 'No plan waits for an answer.\n';
  const blocks = items.map((one) => [
    `Remediation ${one.remediation_id}, asked at ${time(one.asked_at)}, until ${time(one.expires_at)}; ${one.role} may answer`,
    ...one.cmds.map((cmd) => `  would do: ${cmd}`),
    `  why it asks: ${one.why}`,
    `  npx autoheal approve ${one.remediation_id} --plan ${one.plan_hash} --reason '...'`,
  ]);
  return blocks.map((lines) => `${lines.map(oneLine).join('\n')}\n`).join('\n');
}

export function untilText(until: string | null): string {
  return until === null ? 'somebody ends it' : time(until);
}

/** To the second, in UTC, and as `--since` takes it. */
export function time(rfc3339: string): string {
  return rfc3339.replace(/\.\d+Z$/, 'Z');
}

function joined(parts: readonly (string | null)[], by: string): string {
  return parts.filter((part) => part !== null).join(by);
}

function listText(
  none: string,
  titles: readonly string[],
  rows: Parameters<typeof tableText>[1],
  colours: boolean,
): string {
  if (rows.length === 0) return `${none}\n`;
  const columns = titles.map((title) => ({ title }));
  return tableText(columns, rows, colours);
}
