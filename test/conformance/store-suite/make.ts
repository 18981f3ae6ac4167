import { afterEach, beforeEach } from 'vitest';
import { type AuditDraft, auditEntry } from '../../../src/core/audit/audit.ts';
import type { Episode } from '../../../src/core/alerts/episode.ts';
import type { Lease } from '../../../src/core/healing/lease.ts';
import type { ActionRun, Remediation, Target } from '../../../src/core/healing/remediation.ts';
import * as values from '../../fakes/values.ts';
import { type Change, type Conflict, ConflictError, type Store } from '../../../src/store.ts';

/** A fresh store of one kind, empty; `reopen` closes it and opens the same data again. */
export interface Subject {
  readonly store: Store;
  /** False: nothing of it is there any more once it was closed. */
  readonly outlives_close?: false;
  /** False: it has none of what is for people: lists, counts, records. */
  readonly lists?: false;
  reopen(): Promise<Store>;
  dispose(): Promise<void>;
}
export type OpenSubject = () => Promise<Subject>;

/** A store of its own for each test of the block. */
export function useStore(open: OpenSubject): {
  readonly outlives_close: () => boolean;
  readonly lists: () => boolean;
  readonly store: () => Store;
  readonly reopen: () => Promise<Store>;
} {
  let subject: Subject | undefined;
  let current: Store | undefined;
  beforeEach(async () => {
    subject = await open();
    current = subject.store;
  });
  afterEach(async () => {
    await subject?.dispose();
    subject = undefined;
  });
  return {
    outlives_close: () => subject?.outlives_close ?? true,
    lists: () => subject?.lists ?? true,
    store: () => current as Store,
    reopen: async () => {
      current = await (subject as Subject).reopen();
      return current;
    },
  };
}

export const NOW = 1_795_000_000_000;

export function delivery(id: string, body = `body of ${id}`): Change {
  return {
    kind: 'delivery_add',
    delivery: {
      id,
      received_at: NOW,
      source: 'alertmanager',
      trace_id: 'ab'.repeat(16),
      body: new TextEncoder().encode(body),
    },
  };
}

export function episode(id: string, part: Partial<Episode> = {}): Episode {
  return values.episode({
    id,
    fingerprint: `fp-${id}`,
    alertname: 'AIErrorRateHigh',
    labels: { alertname: 'AIErrorRateHigh', 'übel.name': 'ein "Wert"\n' },
    annotations: { summary: 'errors' },
    generator_url: 'http://prometheus/graph',
    starts_at: NOW - 5000,
    opened_at: NOW,
    last_firing_at: NOW,
    ...part,
  });
}

export function target(id: string, parents: readonly string[] = []): Target {
  return values.target(id, { parents, observed: { replicas: 2 }, cmd: `docker restart ${id}` });
}

export function remediation(id: string, part: Partial<Remediation> = {}): Remediation {
  return values.remediation({
    id,
    episode_id: `ep-${id}`,
    fingerprint: `fp-${id}`,
    alertname: 'AIErrorRateHigh',
    rule: 'ai-errors',
    rule_hash: 'cafe',
    created_at: NOW,
    updated_at: NOW,
    next_at: NOW,
    ...part,
  });
}

export function run(id: string, part: Partial<ActionRun> = {}): ActionRun {
  return {
    id,
    remediation_id: 'r',
    rule: 'ai-errors',
    step: 0,
    action: 'restart_container',
    target: target('docker/a'),
    params: { container: 'a' },
    state: 'intent',
    attempts: 0,
    chaos: false,
    started_at: NOW,
    finished_at: null,
    evidence: null,
    error: null,
    ...part,
  };
}

export function lease(id: string, part: Partial<Lease> = {}): Lease {
  return values.lease({
    id,
    target: target(`flag/${id}`),
    action: 'set_flag',
    params: { flag: id, value: true },
    original: false,
    value: true,
    rule: 'ai-errors',
    alertname: 'AIErrorRateHigh',
    fingerprint: 'fp',
    created_at: NOW,
    updated_at: NOW,
    next_at: NOW,
    ...part,
  });
}

export function holder(episode_id: string): Lease['holders'][number] {
  return {
    remediation_id: `r-${episode_id}`,
    episode_id,
    lease_ms: 1_800_000,
    expires_at: NOW + 1_800_000,
    released: null,
  };
}

export function audit(id: string, draft: Partial<AuditDraft> = {}, ts = NOW): Change {
  return { kind: 'audit', entry: auditEntry(id, ts, { kind: 'webhook_received', ...draft }) };
}

/** The word of the conflict that a commit ends in; other errors are thrown on. */
export async function conflictOf(work: Promise<unknown>): Promise<Conflict | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof ConflictError) return error.conflict;
    throw error;
  }
}
