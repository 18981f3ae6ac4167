import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import type { AnyAction } from '../../src/action.ts';
import { createIds } from '../../src/adapters/ids.ts';
import { createMetrics } from '../../src/adapters/metrics.ts';
import { IN_MEMORY, openSqliteStore } from '../../src/adapters/store/open.ts';
import { NO_TRACER } from '../../src/adapters/tracing.ts';
import type { RuleText } from '../../src/core/rules/rule-compile.ts';
import { loadActions } from '../../src/engine/registry.ts';
import {
  openRehearsal,
  type Rehearsal,
  type RehearsalOptions,
} from '../../src/rehearsal/rehearsal.ts';

export const START = Date.UTC(2026, 0, 5, 9);
export const ACTIONS = fileURLToPath(new URL('../../actions/', import.meta.url));

export function textOf(file: string, text: string): RuleText {
  return { file, text, hash: createHash('sha256').update(text).digest('hex') };
}

export interface Staged extends Partial<Omit<RehearsalOptions, 'rules' | 'policy'>> {
  /** Texts by name. */
  readonly rules: Readonly<Record<string, string>>;
  readonly policy?: string;
}

export async function stage(
  staged: Staged,
  actions?: ReadonlyMap<string, AnyAction>,
): Promise<Rehearsal> {
  const real = actions ?? (await loadActions(ACTIONS));
  const metrics = createMetrics({
    version: 'test',
    actions: [...real.keys()],
    backends: [],
    scrape: () => Promise.reject(new Error('not scraped')),
  });
  return await openRehearsal({
    actions: real,
    openStore: (clock) => openSqliteStore({ path: IN_MEMORY, metrics, clock }),
    parts: { ids: createIds, metrics, tracer: NO_TRACER },
    start: START,
    mode: 'auto',
    world: {},
    ...staged,
    rules: Object.entries(staged.rules).map(([name, text]) => textOf(`rules/${name}.yaml`, text)),
    policy: staged.policy === undefined ? null : textOf('autoheal.yaml', staged.policy),
  });
}

/** Stages a rehearsal a test and closes it after; call once at the top of a file. */
export function useStage(): (
  staged: Staged,
  actions?: ReadonlyMap<string, AnyAction>,
) => Promise<Rehearsal> {
  const open: Rehearsal[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  return async (staged, actions) => {
    const made = await stage(staged, actions);
    open.push(made);
    return made;
  };
}

export function bodyOf(
  labels: Readonly<Record<string, string>>,
  status: 'firing' | 'resolved',
  starts_at: number,
  ends_at?: number,
): Uint8Array {
  const alert = {
    status,
    labels,
    annotations: {},
    startsAt: new Date(starts_at).toISOString(),
    endsAt: ends_at === undefined ? '0001-01-01T00:00:00Z' : new Date(ends_at).toISOString(),
    generatorURL: '',
  };
  const body = { version: '4', status, receiver: 'autoheal', groupKey: '{}', alerts: [alert] };
  return new TextEncoder().encode(JSON.stringify(body));
}

/** `+12m action_ok target` of every entry about the work. */
export async function told(rehearsal: Rehearsal, after = 0): Promise<readonly string[]> {
  const entries = await rehearsal.story(after);
  return entries
    .filter(({ fingerprint, kind }) => fingerprint !== null || kind === 'resume')
    .map(({ ts, kind, target, reason, result }) =>
      [`+${(ts - START) / 1_000}s`, kind, target, reason, result].filter(Boolean).join(' '),
    );
}
