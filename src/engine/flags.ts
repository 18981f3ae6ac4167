import { ActionError, type FlagCause, type Flags, type FlagValue } from '../action.ts';
import { auditEntry } from '../core/audit/audit.ts';
import { AutohealError } from '../core/errors.ts';
import { jsonEqual } from '../core/json.ts';
import type { Lease } from '../core/healing/lease.ts';
import type { FlagDeclaration } from '../core/rules/rule.ts';
import type { Backend, Clock, Ids, Log } from '../ports.ts';
import { ConflictError, type Store } from '../store.ts';
import type { FlagBoard, FlagView } from './api.ts';

export interface FlagsDeps {
  readonly store: Pick<Store, 'flag' | 'activeLease' | 'commit'>;
  readonly clock: Clock;
  readonly ids: Ids;
  /** The flags of the policy in force; asked at each use, so a reload takes effect at once. */
  readonly declared: () => Readonly<Record<string, FlagDeclaration>>;
  readonly log: Log;
}

const STRING_LIMIT_CHARS = 1_000;

/** A declared flag as it stands. */
interface Found {
  readonly declaration: FlagDeclaration;
  /** What the row has; undefined without a row. It may be of a type that no longer fits. */
  readonly raw: FlagValue | undefined;
  /** The row's value where it fits the declaration, else the default. */
  readonly stored: FlagValue;
  /** What applications get. */
  readonly value: FlagValue;
  /** The lease on it, also one that has run out and is not undone yet. */
  readonly lease: Lease | undefined;
  /** Ms since the epoch; null when no holder of the lease is left. */
  readonly until: number | null;
  readonly updated_at: number | null;
  readonly actor: string | null;
}

/** The flags: for actions (read, compareAndSet) and for the API and OFREP (list, get, set). */
export function createFlags(deps: FlagsDeps): Flags & FlagBoard {
  const desk: Desk = { ...deps, warned: new Set() };
  return { ...forActions(desk), ...forPeople(desk) };
}

interface Desk extends FlagsDeps {
  /** Flags whose stored type was complained about, so that it is said once. */
  readonly warned: Set<string>;
}

function forActions(desk: Desk): Flags {
  return {
    async read(key) {
      const found = await find(desk, key);
      return found === undefined ? undefined : { value: found.value, stored: found.stored };
    },
    async compareAndSet(key, expected, value, cause) {
      const found = await find(desk, key);
      if (found === undefined) throw refused('not_found', `the policy declares no flag ${key}`);
      const wrong = misfit(key, found.declaration, value);
      if (wrong !== undefined) throw refused('invalid_params', wrong);
      return found.stored === expected && (await swap(desk, key, found, { value, cause }));
    },
  };
}

function forPeople(desk: Desk): FlagBoard {
  async function get(key: string): Promise<FlagView | undefined> {
    const found = await find(desk, key);
    return found === undefined ? undefined : viewOf(key, found);
  }
  return {
    get,
    async list() {
      const views = await Promise.all(Object.keys(desk.declared()).toSorted().map(get));
      return views.filter((one) => one !== undefined);
    },
    async set(key, value, by) {
      const found = await find(desk, key);
      if (found === undefined)
        throw new AutohealError(
          'not_found',
          `the policy declares no flag ${key}; add it under flags`,
        );
      const wrong = misfit(key, found.declaration, value);
      if (wrong !== undefined) throw new AutohealError('invalid_request', wrong);
      if (found.lease !== undefined) throw leased(key, found.lease);
      const cause = { actor: by.actor, rule: null, remediation: null, reason: 'operator' };
      if (
        found.stored !== value &&
        !(await swap(desk, key, found, { value, cause, note: by.reason }))
      )
        throw new AutohealError('conflict', `flag ${key} was changed meanwhile; look again`);
      return viewOf(key, (await find(desk, key)) ?? found);
    },
  };
}

async function find(desk: Desk, key: string): Promise<Found | undefined> {
  const declarations = desk.declared();
  const declaration = Object.hasOwn(declarations, key) ? declarations[key] : undefined;
  if (declaration === undefined) return undefined;
  const [row, lease] = await Promise.all([
    desk.store.flag(key),
    desk.store.activeLease(`flag/${key}`),
  ]);
  const stored = fitting(desk, key, row?.value, declaration);
  const until = lease === undefined ? null : leaseUntil(lease, desk.clock.now());
  return {
    declaration,
    raw: row?.value,
    stored,
    value: effective(stored, lease, until),
    lease,
    until,
    updated_at: row?.updated_at ?? null,
    actor: row?.actor ?? null,
  };
}

/** The row's value, or the default where there is none or the policy has changed the flag's type. */
function fitting(
  desk: Desk,
  key: string,
  raw: FlagValue | undefined,
  declaration: FlagDeclaration,
): FlagValue {
  const declared = typeof declaration.default;
  if (raw === undefined) return declaration.default;
  if (typeof raw === declared) return raw;
  const what = `${key}:${typeof raw}:${declared}`;
  if (!desk.warned.has(what))
    desk.log.warn(
      { flag: key, stored: typeof raw, declared },
      'stored flag has another type than the policy declares; its default is used',
    );
  desk.warned.add(what);
  return declaration.default;
}

interface Swap {
  readonly value: FlagValue;
  readonly cause: FlagCause;
  /** What the operator gave as the reason, in words. */
  readonly note?: string;
}

/** The flag and its audit entry, in one unit. @returns false when it moved meanwhile. */
async function swap(desk: Desk, key: string, found: Found, what: Swap): Promise<boolean> {
  const { value, cause, note } = what;
  const now = desk.clock.now();
  const { default: default_value } = found.declaration;
  // A row of a type that no longer fits counts as the default, and is replaced as what it is.
  const expected = found.raw ?? default_value;
  const entry = auditEntry(desk.ids.next(), now, {
    kind: 'flag_changed',
    target: `flag/${key}`,
    cmd: `autoheal flags set ${key} ${String(value)}`,
    rule: cause.rule,
    remediation: cause.remediation,
    reason: cause.reason,
    actor: cause.actor,
    trace_id: cause.trace_id ?? null,
    detail: { from: found.stored, to: value, ...(note === undefined ? {} : { note }) },
  });
  try {
    await desk.store.commit([
      { kind: 'flag_put', key, default_value, expected, value, at: now, actor: cause.actor },
      { kind: 'audit', entry },
    ]);
    return true;
  } catch (error) {
    if (error instanceof ConflictError && error.conflict === 'flag_moved') return false;
    throw error;
  }
}

/**
 * Evaluated when it is read: once nobody holds the lease any more the original value counts, although
 * its undo may not be written yet. What was changed past the lease is somebody's own will, and counts.
 */
function effective(stored: FlagValue, lease: Lease | undefined, until: number | null): FlagValue {
  if (lease === undefined || until !== null) return stored;
  const original = lease.original;
  const ours = jsonEqual(stored, lease.value);
  return ours && typeof original === typeof stored ? (original as FlagValue) : stored;
}

/** When the last holder that still holds lets go. */
function leaseUntil(lease: Lease, now: number): number | null {
  const ends = lease.holders
    .filter((holder) => holder.released === null && holder.expires_at > now)
    .map((holder) => holder.expires_at);
  return ends.length === 0 ? null : Math.max(...ends);
}

function viewOf(key: string, found: Found): FlagView {
  const { lease, until, declaration } = found;
  return {
    key,
    type: typeof declaration.default as FlagView['type'],
    summary: declaration.summary,
    default: declaration.default,
    value: found.value,
    lease: lease === undefined || until === null ? null : { id: lease.id, rule: lease.rule, until },
    updated_at: found.updated_at,
    actor: found.actor,
  };
}

/** What is wrong with a value for this flag; undefined when it fits. */
function misfit(key: string, declaration: FlagDeclaration, value: FlagValue): string | undefined {
  const wanted = typeof declaration.default;
  if (typeof value !== wanted)
    return `flag ${key} is a ${wanted}, ${JSON.stringify(value)} is a ${typeof value}`;
  if (typeof value === 'number' && !Number.isFinite(value))
    return `flag ${key}: ${String(value)} is not a number that can be stored`;
  if (typeof value === 'string' && value.length > STRING_LIMIT_CHARS)
    return `flag ${key}: a text may have ${STRING_LIMIT_CHARS} characters at most`;
  return undefined;
}

function leased(key: string, lease: Lease): AutohealError {
  return new AutohealError(
    'conflict',
    `the rule ${lease.rule} leases flag ${key}; it goes back when alert ${lease.alertname} resolves or the lease ends`,
    { lease: lease.id },
  );
}

function refused(code: 'not_found' | 'invalid_params', message: string): ActionError {
  return new ActionError(code, message, { retryable: false });
}

/** The flags live in the store: what fails there may succeed again. */
export const flagsBackend: Backend = {
  name: 'flags',
  classify(error) {
    if (error instanceof ActionError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new ActionError('unavailable', `the store: ${message}`, {
      retryable: true,
      cause: error,
    });
  },
};
