import { beforeEach, expect, test } from 'vitest';
import type { FlagValue } from '../../src/action.ts';
import type { AuditEntry } from '../../src/core/audit/audit.ts';
import type { Lease, LeaseHolder } from '../../src/core/healing/lease.ts';
import type { FlagDeclaration } from '../../src/core/rules/rule.ts';
import { createFlags, flagsBackend, type FlagsDeps } from '../../src/engine/flags.ts';
import type { Log } from '../../src/ports.ts';
import { type Change, ConflictError } from '../../src/store.ts';
import { failureOf } from '../actions/context.ts';

/** The part of the store that flags use, in memory, with its preconditions. */
function memory() {
  const rows = new Map<string, { value: FlagValue; updated_at: number; actor: string }>();
  const leases = new Map<string, Lease>();
  const entries: AuditEntry[] = [];
  const state = { units: 0, race: undefined as (() => void) | undefined };
  const store: FlagsDeps['store'] = {
    flag: async (key) => rows.get(key),
    activeLease: async (target) => leases.get(target),
    async commit(changes: readonly Change[]) {
      state.race?.();
      for (const change of changes) {
        if (change.kind !== 'flag_put') continue;
        const now = rows.get(change.key)?.value ?? change.default_value;
        if (now !== change.expected) throw new ConflictError('flag_moved', change.key);
      }
      state.units += 1;
      for (const change of changes) {
        if (change.kind === 'audit') entries.push(change.entry);
        if (change.kind === 'flag_put')
          rows.set(change.key, { value: change.value, updated_at: change.at, actor: change.actor });
      }
    },
  };
  return { rows, leases, entries, state, store };
}

const NOW = Date.UTC(2026, 0, 1);
const ON = 'heuristics-only';
let mem: ReturnType<typeof memory>;
let now: number;
let warnings: object[];
let declared: Record<string, FlagDeclaration>;
beforeEach(() => {
  mem = memory();
  now = NOW;
  warnings = [];
  declared = {
    [ON]: { default: false, summary: 'No AI.' },
    share: { default: 0.5, summary: 'Share of traffic.' },
  };
});

function flags() {
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    error: () => undefined,
    warn: (fields) => void warnings.push(fields),
  };
  let ids = 0;
  return createFlags({
    store: mem.store,
    clock: { now: () => now, sleep: () => Promise.reject(new Error('flags do not sleep')) },
    ids: { next: () => `id-${(ids += 1)}` },
    declared: () => declared,
    log,
  });
}
const cause = { actor: 'autoheal', remediation: 'rem-1', rule: 'ai-errors', reason: 'set_flag' };
const person = { actor: 'ann', reason: 'trying it out' };

function lease(...holders: Partial<LeaseHolder>[]): void {
  const whole = holders.map((holder, index) => ({
    remediation_id: `rem-${index}`,
    episode_id: `ep-${index}`,
    lease_ms: 60_000,
    expires_at: NOW + 60_000,
    released: null,
    ...holder,
  }));
  mem.leases.set(`flag/${ON}`, {
    id: 'lease-1',
    original: false,
    value: true,
    holders: whole,
    rule: 'ai-errors',
    alertname: 'AIErrorRateHigh',
  } as unknown as Lease);
  mem.rows.set(ON, { value: true, updated_at: NOW, actor: 'autoheal' });
}

test('a flag without a row has its default', async () => {
  expect(await flags().read(ON)).toEqual({ value: false, stored: false });
  expect(await flags().get(ON)).toEqual({
    key: ON,
    type: 'boolean',
    summary: 'No AI.',
    default: false,
    value: false,
    lease: null,
    updated_at: null,
    actor: null,
  });
  expect(await flags().read('toString')).toBeUndefined();
  expect(await flags().get('nope')).toBeUndefined();
});

test('compare and set: the flag and its audit entry in one unit', async () => {
  expect(await flags().compareAndSet(ON, false, true, cause)).toBe(true);
  expect(mem.state.units).toBe(1);
  expect(mem.rows.get(ON)).toEqual({ value: true, updated_at: NOW, actor: 'autoheal' });
  expect(mem.entries).toMatchObject([
    {
      id: 'id-1',
      ts: NOW,
      kind: 'flag_changed',
      target: `flag/${ON}`,
      cmd: `autoheal flags set ${ON} true`,
      rule: 'ai-errors',
      remediation: 'rem-1',
      reason: 'set_flag',
      actor: 'autoheal',
      detail: { from: false, to: true },
    },
  ]);
});

test('compare and set: another value, or one that moves under it, writes nothing', async () => {
  expect(await flags().compareAndSet(ON, true, false, cause)).toBe(false);
  mem.state.race = () => mem.rows.set(ON, { value: true, updated_at: NOW, actor: 'ann' });
  expect(await flags().compareAndSet(ON, false, true, cause)).toBe(false);
  expect(mem.entries).toEqual([]);
});

test('compare and set: other failures of the store are not taken for a moved flag', async () => {
  mem.state.race = () => {
    throw new Error('disk full');
  };
  await expect(flags().compareAndSet(ON, false, true, cause)).rejects.toThrow('disk full');
  expect(flagsBackend.classify(new Error('disk full'))).toMatchObject({
    code: 'unavailable',
    retryable: true,
  });
});

test('compare and set: undeclared, and of another type', async () => {
  expect((await failureOf(flags().compareAndSet('nope', false, true, cause))).code).toBe(
    'not_found',
  );
  const wrong = await failureOf(flags().compareAndSet('share', 0.5, true, cause));
  expect(wrong).toMatchObject({ code: 'invalid_params', retryable: false });
  const nan = await failureOf(flags().compareAndSet('share', 0.5, Number.NaN, cause));
  expect(nan.code).toBe('invalid_params');
});

test('a lease counts while somebody holds it, and not a moment longer', async () => {
  lease(
    { expires_at: NOW + 10 },
    { expires_at: NOW + 20 },
    { expires_at: NOW + 99, released: 'resolved' },
  );
  expect(await flags().get(ON)).toMatchObject({
    value: true,
    lease: { id: 'lease-1', rule: 'ai-errors', until: NOW + 20 },
  });
  now = NOW + 19;
  expect((await flags().read(ON))?.value).toBe(true);
  now = NOW + 20;
  expect(await flags().read(ON)).toEqual({ value: false, stored: true });
  expect((await flags().get(ON))?.lease).toBeNull();
});

test('a lease that everybody let go of no longer counts, before its undo is written', async () => {
  lease({ released: 'resolved' });
  expect((await flags().read(ON))?.value).toBe(false);
});

test('what was changed past a lease that ran out is somebody’s will', async () => {
  lease({ expires_at: NOW - 1 });
  declared = { [ON]: { default: 'a', summary: '' } };
  mem.leases.set(`flag/${ON}`, {
    ...(mem.leases.get(`flag/${ON}`) as Lease),
    original: 'a',
    value: 'b',
  });
  mem.rows.set(ON, { value: 'c', updated_at: NOW, actor: 'ann' });
  expect((await flags().read(ON))?.value).toBe('c');
});

test('a stored value whose type the policy changed: the default, said once, and it can be set', async () => {
  mem.rows.set(ON, { value: 'yes', updated_at: NOW, actor: 'ann' });
  const board = flags();
  expect(await board.read(ON)).toEqual({ value: false, stored: false });
  await board.list();
  expect(warnings).toEqual([{ flag: ON, stored: 'string', declared: 'boolean' }]);
  expect(await board.compareAndSet(ON, false, true, cause)).toBe(true);
  expect(await board.read(ON)).toEqual({ value: true, stored: true });
});

test('list: the declared flags in order', async () => {
  declared = { ...declared, a: { default: 'x', summary: '' } };
  expect((await flags().list()).map((flag) => [flag.key, flag.type])).toEqual([
    ['a', 'string'],
    [ON, 'boolean'],
    ['share', 'number'],
  ]);
});

test('an operator sets a flag: who and why are in the audit', async () => {
  expect(await flags().set('share', 0.1, person)).toMatchObject({ value: 0.1, actor: 'ann' });
  expect(mem.entries).toMatchObject([
    {
      kind: 'flag_changed',
      actor: 'ann',
      reason: 'operator',
      rule: null,
      detail: { from: 0.5, to: 0.1, note: 'trying it out' },
    },
  ]);
  await flags().set('share', 0.1, person);
  expect(mem.entries).toHaveLength(1);
});

test('an operator is refused: unknown, wrong type, too long, leased, moved', async () => {
  const refusals: readonly (readonly [string, FlagValue, string])[] = [
    ['nope', true, 'not_found'],
    [ON, 'true', 'invalid_request'],
    ['share', Number.POSITIVE_INFINITY, 'invalid_request'],
  ];
  for (const [key, value, code] of refusals)
    await expect(flags().set(key, value, person)).rejects.toMatchObject({ code });
  declared = { ...declared, text: { default: '', summary: '' } };
  await expect(flags().set('text', 'x'.repeat(1_001), person)).rejects.toMatchObject({
    code: 'invalid_request',
  });
  mem.state.race = () => mem.rows.set('share', { value: 0.7, updated_at: NOW, actor: 'bob' });
  await expect(flags().set('share', 0.1, person)).rejects.toMatchObject({ code: 'conflict' });
  mem.state.race = undefined;
  lease({});
  await expect(flags().set(ON, false, person)).rejects.toMatchObject({
    code: 'conflict',
    extra: { lease: 'lease-1' },
  });
});
