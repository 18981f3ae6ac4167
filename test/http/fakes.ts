import type { Treatment } from '../../src/core/benefit/treatment.ts';
import type { AuditRecord } from '../../src/core/audit/audit.ts';
import { AutohealError } from '../../src/core/errors.ts';
import type { RuleSet } from '../../src/core/rules/rule.ts';
import type {
  FlagBoard,
  FlagView,
  Intake,
  Operator,
  Pause,
  Post,
  ReloadResult,
  Reporter,
  Rulebook,
  StatusView,
  WhatIf,
} from '../../src/engine/api.ts';
import { MUTE_METRICS } from '../../src/engine/mute.ts';
import type { HttpDeps, ServedMetrics, StoreReads } from '../../src/http/deps.ts';
import type { Fault, RouteLabels } from '../../src/ports.ts';
import type { AuditQuery, AuditVerdict } from '../../src/store.ts';
import type { PeopleSeen } from './people.ts';
import { AUDIT, DELIVERY, EPISODE, FLAG, NOW, REMEDIATION, RULES, RUN, STATUS } from './values.ts';

/** What the fakes answer and what they saw; a test changes and reads it. */
export interface State {
  now: number;
  readonly posts: Post[];
  readonly people: PeopleSeen;
  /** What `accept` does; by default it takes everything. */
  accept: Intake['accept'];
  readonly webhooks: { outcome: string; seconds: number; drill: boolean }[];
  readonly denied: { client: string; route: string }[];
  readonly denied_metric: string[];
  readonly requests: {
    readonly route: RouteLabels | null;
    readonly status: number;
    readonly seconds: number;
  }[];
  readonly rate_limited: string[];
  readonly faults: { readonly error: unknown; readonly about: Fault }[];
  readonly logged: { level: string; fields: Record<string, unknown>; message: string }[];
  readonly audit_queries: AuditQuery[];
  readonly list_queries: object[];
  readonly flags: Map<string, FlagView>;
  readonly flag_sets: object[];
  pause: Pause | undefined;
  env_paused: boolean;
  pauses: number;
  reload: ReloadResult;
  reloads: string[];
  rules: RuleSet | undefined;
  ready: { ready: boolean; reasons: string[] };
  live: boolean;
  started: boolean;
  status: StatusView;
  verify: (from: number) => Promise<AuditVerdict>;
  audit: AuditRecord[];
  /** Of every rule. */
  treatments: Treatment[];
}
export function newState(): State {
  return {
    now: NOW,
    posts: [],
    people: { calls: [] },
    accept: async () => ({ delivery: 'd-1', alerts: 1, unusable: [], drill: false }),
    webhooks: [],
    denied: [],
    denied_metric: [],
    requests: [],
    rate_limited: [],
    faults: [],
    logged: [],
    audit_queries: [],
    list_queries: [],
    flags: new Map([
      [FLAG.key, FLAG],
      ['ai-model', { ...FLAG, key: 'ai-model', type: 'string', default: 'large', value: 'small' }],
      ['max-batch', { ...FLAG, key: 'max-batch', type: 'number', default: 8, value: 8 }],
    ]),
    flag_sets: [],
    pause: undefined,
    env_paused: false,
    pauses: 0,
    reload: { ok: true, version: 'v2', rules: 1, changed: true },
    reloads: [],
    rules: RULES,
    ready: { ready: true, reasons: [] },
    live: true,
    started: true,
    status: STATUS,
    verify: async (from) => ({ ok: true, rows: 3, from, head: 'ab'.repeat(32) }),
    audit: AUDIT,
    treatments: [],
  };
}

export function operatorOf(state: State): Operator {
  return {
    mode: () => (state.pause || state.env_paused ? 'paused' : 'auto'),
    paused: () => state.pause,
    async pause(by) {
      state.pauses += 1;
      return (state.pause = { ...by, since: state.now });
    },
    async resume() {
      if (state.pause === undefined) throw new AutohealError('conflict', 'nothing is paused');
      state.pause = undefined;
    },
  };
}

export function flagsOf(state: State): FlagBoard {
  return {
    list: async () => [...state.flags.values()],
    get: async (key) => state.flags.get(key),
    async set(key, value, by) {
      const flag = state.flags.get(key);
      if (flag === undefined) throw new AutohealError('not_found', 'no such flag');
      if (typeof value !== flag.type) throw new AutohealError('invalid_request', 'wrong type');
      if (flag.lease) throw new AutohealError('conflict', 'a lease stands on it');
      state.flag_sets.push({ key, value, ...by });
      const next = { ...flag, value, actor: by.actor, updated_at: state.now };
      state.flags.set(key, next);
      return next;
    },
  };
}

export function rulebookOf(state: State): Rulebook {
  return {
    current: () => state.rules,
    redaction: () => null,
    byHash: async (hash) => state.rules?.rules.find((rule) => rule.hash === hash),
    async reload(actor) {
      state.reloads.push(actor);
      return state.reload;
    },
    last: () => state.reload,
  };
}

/** Enough to see that a question is asked; test/http/what-if.test.ts asks a real engine. */
export function whatIfOf(state: State): WhatIf {
  const answer = {
    rule: 'ai-errors',
    matches: false,
    first_failing_matcher: 'alertname="A"',
    why: null,
    would: null,
  };
  return {
    payload: async () => ({
      asked_at: state.now,
      mode: 'auto',
      alerts: [],
      left_out: 0,
      unusable: [],
    }),
    episode: async () => [answer],
  };
}

export function reporterOf(state: State): Reporter {
  return {
    status: async () => state.status,
    readiness: async () => state.ready,
    live: () => state.live,
    started: () => state.started,
    resources: async () => ({ rss_bytes: 1e8, heap_used_bytes: 3e7, disk_free_bytes: 5e9 }),
  };
}

export function metricsOf(state: State): ServedMetrics {
  return {
    ...MUTE_METRICS,
    webhook: (outcome, seconds, drill) => void state.webhooks.push({ outcome, seconds, drill }),
    authDenied: (reason) => void state.denied_metric.push(reason),
    request: (route, status, seconds) => void state.requests.push({ route, status, seconds }),
    rateLimited: (limit) => void state.rate_limited.push(limit),
    render: async () => '# HELP up Up\n# TYPE up gauge\nup 1\n',
    content_type: 'text/plain; version=0.0.4; charset=utf-8',
  };
}

export function logOf(state: State): HttpDeps['log'] {
  function at(level: string) {
    return (fields: object, message: string) =>
      void state.logged.push({ level, fields: { ...fields }, message });
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

const AUDIT_KEYS = ['kind', 'alertname', 'remediation', 'actor', 'reason'] as const;

/** Enough of the reads to see that what is asked for is what comes back. */
export function storeOf(state: State): StoreReads {
  return {
    async audit(query) {
      state.audit_queries.push(query);
      if (query.cursor !== undefined && query.cursor !== 'c1') {
        throw new AutohealError('invalid_request', 'this cursor is not ours');
      }
      const found = state.audit.filter(
        (entry) =>
          AUDIT_KEYS.every((key) => query[key]?.includes(entry[key] ?? '') ?? true) &&
          entry.ts >= (query.since ?? 0) &&
          entry.ts < (query.until ?? Number.POSITIVE_INFINITY),
      );
      const ordered = query.order === 'asc' ? found : found.toReversed();
      const items = ordered.slice(0, query.limit);
      return { items, next_cursor: ordered.length > items.length ? 'c1' : null };
    },
    verifyAudit: (from) => state.verify(from),
    episode: async (id) => (id === EPISODE.id ? EPISODE : undefined),
    remediationsOf: async (id) => (id === EPISODE.id ? [REMEDIATION] : []),
    remediation: async (id) => (id === REMEDIATION.id ? REMEDIATION : undefined),
    runsOf: async (id) => (id === REMEDIATION.id ? [RUN] : []),
    async listEpisodes(query) {
      state.list_queries.push(query);
      return { items: [EPISODE], next_cursor: null };
    },
    async listRemediations(query) {
      state.list_queries.push(query);
      return { items: [REMEDIATION], next_cursor: 'more' };
    },
    async listDeliveries(query) {
      state.list_queries.push(query);
      return { items: [DELIVERY], next_cursor: null };
    },
    recorded: async () => ({ deliveries: [], next: null }),
  };
}
