import type { Migration } from './migrations.ts';
import { ORDER } from './schema-order.ts';
import { SLO } from './schema-slo.ts';

/**
 * The tables. Notes on what is not obvious:
 * - `n` is the order of insertion. Lists page by it, newest first: it cannot repeat and does not
 *   jump when a clock does, and being SQLite's row id it is the last part of every index for free.
 * - Columns with JSON are text. Times are whole ms since the epoch.
 * - Retention (retention.ts) leaves the newest delivery, because SQLite numbers from the largest, and
 *   the drain's cursor compares numbers.
 */
const FIRST = `
create table cursors (name text primary key, seq integer not null) strict, without rowid;
insert into cursors (name, seq) values ('inbox', 0);

-- No index and no update: a durable row costs what a sequential write costs, 0.95 of an HTTP
-- server that stores nothing, against 0.52-0.67 with three indexes.
create table deliveries (
  seq integer primary key,
  id text not null,
  received_at integer not null,
  source text not null,
  trace_id text,
  body blob not null
) strict;
-- Apart, so that a failed drain does not rewrite the body.
create table delivery_failures (
  seq integer primary key references deliveries (seq),
  failures integer not null,
  parked integer not null,
  error text not null
) strict;

create table episodes (
  n integer primary key,
  id text not null unique,
  fingerprint text not null,
  alertname text not null,
  labels text not null,
  annotations text not null,
  source text not null,
  generator_url text not null,
  state text not null,
  starts_at integer,
  opened_at integer not null,
  last_firing_at integer not null,
  closed_at integer,
  ended_at integer,
  close_reason text,
  firings integer not null,
  matched_rules text not null,
  drill integer not null,
  trace_id text
) strict;
create unique index episodes_open on episodes (fingerprint) where state = 'open';
create index episodes_fingerprint on episodes (fingerprint);
create index episodes_alertname on episodes (alertname);

create table remediations (
  n integer primary key,
  id text not null unique,
  episode_id text not null,
  fingerprint text not null,
  alertname text not null,
  rule text not null,
  rule_hash text not null,
  state text not null,
  outcome text,
  reason text,
  detail text,
  step integer not null,
  tries integer not null,
  plan text,
  verify text,
  drill integer not null,
  trace_id text,
  created_at integer not null,
  updated_at integer not null,
  ended_at integer,
  next_at integer not null,
  wakes integer not null,
  fence integer not null,
  claimed_by text,
  claim_until integer not null
) strict;
-- Holds live rows only, so it stays small however long the history grows. claim_until is in it so
-- that rows being worked on are passed over without being read.
create index remediations_due on remediations (next_at, claim_until) where state <> 'done';
create index remediations_waiting on remediations (reason) where state = 'waiting';
create index remediations_episode on remediations (episode_id);
create index remediations_fingerprint on remediations (fingerprint);
create index remediations_alertname on remediations (alertname);
create index remediations_rule on remediations (rule);

-- The key begins with the remediation, so one tree serves both the run and "the runs of".
create table runs (
  id text not null,
  remediation_id text not null,
  rule text not null,
  step integer not null,
  action text not null,
  target_id text not null,
  target text not null,
  params text not null,
  state text not null,
  attempts integer not null,
  chaos integer not null,
  started_at integer not null,
  finished_at integer,
  evidence text,
  error text,
  primary key (remediation_id, id)
) strict, without rowid;
-- Covers cooldown and limit: target and time select, the rule filters, the key names the remediation.
create index runs_target on runs (target_id, started_at, rule);

create table leases (
  n integer primary key,
  id text not null unique,
  target_id text not null,
  target text not null,
  action text not null,
  params text not null,
  original text,
  value text,
  state text not null,
  holders text not null,
  rule text not null,
  alertname text not null,
  fingerprint text not null,
  drill integer not null,
  trace_id text,
  tries integer not null,
  created_at integer not null,
  updated_at integer not null,
  next_at integer not null,
  wakes integer not null,
  fence integer not null,
  claimed_by text,
  claim_until integer not null
) strict;
create unique index leases_standing on leases (target_id) where state in ('active', 'reverting');
create index leases_due on leases (next_at, claim_until)
  where state in ('active', 'reverting');
-- Who to wake when an episode ends. A holder that let go stays: waking it is harmless.
create table lease_holders (
  episode_id text not null,
  lease_id text not null,
  primary key (episode_id, lease_id)
) strict, without rowid;

create table locks (
  target text not null,
  holder text not null,
  whole integer not null,
  locked_at integer not null,
  primary key (target, holder)
) strict, without rowid;
create index locks_holder on locks (holder);

create table flag_values (
  key text primary key,
  value text not null,
  updated_at integer not null,
  actor text not null
) strict, without rowid;
create table settings (key text primary key, value text not null) strict, without rowid;
create table rule_texts (
  hash text primary key,
  name text not null,
  text text not null,
  added_at integer not null
) strict, without rowid;

create table audit (
  seq integer primary key,
  id text not null,
  ts integer not null,
  kind text not null,
  alertname text,
  fingerprint text,
  episode text,
  rule text,
  remediation text,
  step integer,
  attempt integer,
  action text,
  target text,
  cmd text,
  result text,
  reason text,
  rc integer,
  duration_ms real,
  chaos integer not null,
  drill integer not null,
  dry_run integer not null,
  actor text not null,
  trace_id text,
  detail text not null,
  prev_hash text not null,
  hash text not null
) strict;
-- A column between the filter and the row id breaks keyset order, so the lists are short; alertname
-- alone is served by merging its kinds. Failures need no index: they are three kinds, merged.
create index audit_alertname on audit (alertname, kind);
create index audit_kind on audit (kind);
create index audit_target on audit (target) where target is not null;
-- Which blocks of 256 entries name a fingerprint, an episode or a remediation: the entries of a story
-- lie close together. With an index for each of the three instead, a commit of 60 entries wrote 93
-- pages to the WAL, with this 64; the random fingerprint alone was 33 of them.
create table audit_refs (
  ref text not null,
  block integer not null,
  primary key (ref, block)
) strict, without rowid;
create trigger audit_no_update before update on audit
begin select raise(abort, 'the audit log is append-only'); end;
create trigger audit_no_delete before delete on audit
begin select raise(abort, 'the audit log is append-only'); end;

-- Instead of an index on ts, which each row would pay for: one row a minute, written once a batch.
-- first_seq: no entry of this minute or a later one has a smaller seq.
-- last_seq: no entry of this minute or an earlier one has a larger seq.
create table audit_minutes (
  minute integer primary key,
  first_seq integer not null,
  last_seq integer not null
) strict;
`;

/**
 * - `cancel` and `ended_by` are written by operators beside the worker; a put by the worker leaves them.
 * - `runs_started` serves the windows over all targets (limits, blast radius), newest first.
 */
const OPERATORS = `
alter table remediations add column guards text;
alter table remediations add column cancel text;
alter table remediations add column started_by text;
alter table leases add column relapses integer not null default 0;
alter table leases add column told_at integer;
alter table leases add column ended_by text;
create index runs_started on runs (started_at, rule);
create index leases_target on leases (target_id);

insert into cursors (name, seq) values ('starts', 0);

create table holds (
  n integer primary key,
  id text not null unique,
  kind text not null,
  alertname text,
  fingerprint text,
  episode text,
  rule text,
  target text,
  reason text not null,
  actor text not null,
  since integer not null,
  until integer,
  ended_at integer
) strict;
create index holds_standing on holds (until) where ended_at is null;

create table approvals (
  n integer primary key,
  id text not null unique,
  remediation_id text not null,
  plan_hash text not null,
  state text not null,
  role text not null,
  cmds text not null,
  why text not null,
  asked_at integer not null,
  expires_at integer not null,
  answered_at integer,
  answered_by text,
  reason text
) strict;
create index approvals_remediation on approvals (remediation_id);
create index approvals_open on approvals (expires_at) where state = 'asked';
`;

/** The last entry that retention took away, at most one row. Entries up to it may be deleted, later ones never. */
const RETENTION = `
create table audit_checkpoint (seq integer primary key, hash text not null, ts integer not null) strict;
drop trigger audit_no_delete;
create trigger audit_no_delete before delete on audit
when old.seq > coalesce((select max(seq) from audit_checkpoint), 0)
begin select raise(abort, 'the audit log is append-only'); end;
`;

/** In order; never edited once released, only added to. */
export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: 'first tables', breaking: true, sql: FIRST },
  { version: 2, name: 'operators', breaking: true, sql: OPERATORS },
  { version: 3, name: 'retention', breaking: true, sql: RETENTION },
  { version: 4, name: 'objectives', breaking: false, sql: SLO },
  { version: 5, name: 'priority and benefit', breaking: false, sql: ORDER },
];
