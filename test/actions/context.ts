import {
  ActionError,
  type ActionClients,
  type ActionContext,
  type FlagValue,
} from '../../src/action.ts';
import { createDocker } from '../../src/adapters/docker.ts';
import { createKubernetes } from '../../src/adapters/kubernetes.ts';
import { createNotifiers } from '../../src/adapters/notifiers.ts';
import type { NotifierConfig } from '../../src/core/rules/rule.ts';
import { NO_CLIENTS } from '../fakes/world.ts';

export interface ContextParts {
  readonly docker_host?: string;
  readonly kubeconfig?: string;
  readonly flags?: Map<string, FlagValue>;
  readonly notifiers?: Readonly<Record<string, NotifierConfig>>;
  readonly allowed?: readonly string[];
  readonly attempt?: number;
  readonly intent_at?: number | null;
  readonly signal?: AbortSignal;
  /** Clients instead of those below. */
  readonly clients?: Partial<ActionClients>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
}

/** What the engine gives an action, over the real adapters, which talk to the fakes. */
export function contextOf(parts: ContextParts = {}): ActionContext {
  return {
    signal: parts.signal ?? AbortSignal.timeout(10_000),
    idempotency_key: 'remediation-1/0/target',
    attempt: parts.attempt ?? 1,
    cause: {
      fingerprint: '00000000000000aa',
      rule: 'test-rule',
      remediation: 'remediation-1',
      alertname: 'TestAlert',
      labels: parts.labels ?? { severity: 'page' },
      annotations: {},
      intent_at: parts.intent_at ?? null,
      trace_id: null,
    },
    log: () => undefined,
    clients: clientsOf(parts),
    allows: (id, name) => (parts.allowed ?? []).some((given) => given === id || given === name),
    now: parts.now ?? Date.now,
    sleep: parts.sleep ?? (() => Promise.reject(new Error('this test does not sleep'))),
  };
}

function clientsOf(parts: ContextParts): ActionClients {
  const docker = createDocker({
    host: parts.docker_host ?? 'unix:///nowhere/docker.sock',
    env: {},
  });
  const kubernetes = createKubernetes({ env: { KUBECONFIG: parts.kubeconfig } });
  const flags = parts.flags ?? new Map<string, FlagValue>();
  return {
    ...NO_CLIENTS,
    docker: () => docker.client(),
    kubernetes: () => kubernetes.client(),
    notifiers: createNotifiers(() => parts.notifiers ?? {}),
    flags: {
      async read(key) {
        const stored = flags.get(key);
        return stored === undefined ? undefined : { value: stored, stored };
      },
      async compareAndSet(key, expected, value) {
        if (flags.get(key) !== expected) return false;
        flags.set(key, value);
        return true;
      },
    },
    ...parts.clients,
  };
}

/** The ActionError that a call ends with. */
export async function failureOf(call: Promise<unknown>): Promise<ActionError> {
  const error: unknown = await call.then(
    (value) => new Error(`it should have failed, it gave ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ActionError) return error;
  throw error;
}

/** The only element. */
export function one<T>(list: readonly T[]): T {
  const [first, second] = list;
  if (first === undefined || second !== undefined)
    throw new Error(`${list.length} elements, not 1`);
  return first;
}
