import { ActionError, type ActionErrorCode, type Health, type Notification } from '../action.ts';
import type { TargetGroup } from '../core/healing/remediation.ts';
import type { Json, Labels } from '../core/json.ts';
import { isObject } from '../core/rules/rule-params.ts';
import type { PromQuery, Probes } from '../ports.ts';
import { type FiredAlert, type Sky, createSky } from './sky.ts';
import type { ActionScript, Answer, TargetSpec, WorldSpec } from './world-spec.ts';

/** Messages and unanswered looks that are kept; a backtest sends more than anybody reads. */
export const SENT_MAX = 1_000;
export const UNANSWERED_MAX = 100;

export interface Sent {
  readonly notifier: string;
  readonly title: string;
  readonly text: string;
  /** Ms since the epoch. */
  readonly at: number;
}

/** The world of a rehearsal as it is now. */
export interface RehearsalWorld {
  /** Merges what changed into what is; flags are set through the rehearsal's `flags`. */
  change(spec: WorldSpec): void;
  /** The next calls of an action go so. */
  script(script: ActionScript): void;
  /** What Alertmanager's API shows while it is present. */
  fire(alert: FiredAlert): void;
  resolve(labels: Labels): void;
  /** The state of a target now; `undefined`: nobody said and nothing was done. */
  value(target_id: string): Json | undefined;
  /** Looks that the world names no answer to, as one would write them: `promql: up == 1`. Each once, in order. */
  unanswered(): readonly string[];
  /** Messages that reached a notifier, newest last; at most the newest `SENT_MAX`. */
  sent(): readonly Sent[];
}

/** The world as the engine's parts see it. */
export interface InnerWorld extends RehearsalWorld {
  readonly sky: Sky;
  readonly prometheus: PromQuery;
  readonly probes: Probes;
  about(target_id: string): { readonly opted_in: boolean; readonly group?: TargetGroup };
  health(target_id: string): Health;
  set(target_id: string, value: Json): void;
  /** Plays what the next call of this action is scripted to do; resolves when nothing is. */
  meet(action: string, target_id: string, signal: AbortSignal): Promise<void>;
  send(notifier: string, message: Notification): void;
}

type Looks = 'promql' | 'http' | 'tcp';

export function createWorld(spec: WorldSpec, now: () => number): InnerWorld {
  const targets = new Map<string, TargetSpec>();
  const sky = createSky(spec.alertmanager ?? 'absent', now);
  const looks = createLooks();
  const scripts = createScripts();
  const sent: Sent[] = [];

  function change(to: WorldSpec): void {
    for (const [id, said] of Object.entries(to.targets ?? {}))
      targets.set(id, merged(targets.get(id), said));
    looks.change(to);
    if (to.alertmanager !== undefined) sky.become(to.alertmanager);
    if (to.silences !== undefined) sky.silence(to.silences);
  }

  function need(target_id: string): TargetSpec {
    const target = targets.get(target_id) ?? {};
    if (target.exists === false)
      throw new ActionError('not_found', `${target_id} is not there`, { retryable: false });
    return target;
  }

  change(spec);
  return {
    sky,
    change,
    script: (script) => scripts.add(script),
    meet: (action, target_id, signal) => scripts.meet(action, target_id, signal),
    fire: (alert) => sky.fire(alert),
    resolve: (labels) => sky.resolve(labels),
    value: (target_id) => targets.get(target_id)?.value,
    unanswered: looks.unanswered,
    sent: () => sent,
    prometheus: { holds: async (expr) => looks.look('promql', expr) },
    probes: {
      http: async (url) => looks.look('http', url),
      tcp: async (host, port) =>
        looks.look('tcp', host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`),
    },
    about(target_id) {
      const { opted_in = true, group } = need(target_id);
      return { opted_in, ...(group === undefined ? {} : { group }) };
    },
    health: (target_id) => need(target_id).health ?? 'healthy',
    set(target_id, value) {
      targets.set(target_id, { ...targets.get(target_id), value });
    },
    send(notifier, { title, text }) {
      sent.push({ notifier, title, text, at: now() });
      // Cut in blocks: moving a thousand messages for each new one would add up.
      if (sent.length >= 2 * SENT_MAX) sent.splice(0, sent.length - SENT_MAX);
    },
  };
}

/** What Prometheus and the probes find. */
function createLooks() {
  const answers = new Map<string, Answer>();
  const unanswered = new Set<string>();
  let otherwise: Answer = 'unavailable';
  return {
    change(to: WorldSpec): void {
      for (const kind of ['promql', 'http', 'tcp'] as const)
        for (const [what, answer] of Object.entries(to[kind] ?? {}))
          answers.set(keyOf(kind, what), answer);
      otherwise = to.otherwise ?? otherwise;
    },
    look(kind: Looks, what: string): { readonly holds: boolean; readonly detail: string } {
      const key = keyOf(kind, what);
      const known = answers.get(key);
      if (known === undefined && unanswered.size < UNANSWERED_MAX) unanswered.add(key);
      const answer = known ?? otherwise;
      if (answer === 'unavailable')
        throw new ActionError('unavailable', `nobody answers ${key}`, { retryable: true });
      return { holds: answer, detail: `${key} is ${answer}` };
    },
    unanswered: (): readonly string[] => [...unanswered],
  };
}

/** How calls of actions go. */
function createScripts() {
  const scripts: { readonly script: ActionScript; left: number }[] = [];

  function take(action: string, target_id: string): ActionScript['outcome'] | undefined {
    const at = scripts.findIndex(
      ({ script }) => script.action === action && (script.target ?? target_id) === target_id,
    );
    const found = scripts[at];
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left === 0) scripts.splice(at, 1);
    return found.script.outcome;
  }

  return {
    add(script: ActionScript): void {
      scripts.push({ script, left: script.times });
    },
    async meet(action: string, target_id: string, signal: AbortSignal): Promise<void> {
      const outcome = take(action, target_id);
      if (outcome === undefined) return;
      if ('hangs' in outcome) await untilAborted(signal);
      else throw scripted(outcome.fails, action);
    },
  };
}

function keyOf(kind: Looks, what: string): string {
  return `${kind}: ${what}`;
}

/** Key by key; a value that is a map is merged as well, so that a change names only what changed. */
function merged(before: TargetSpec | undefined, said: TargetSpec): TargetSpec {
  const value = said.value;
  const old = before?.value;
  const both = isObject(value) && isObject(old) ? { ...old, ...value } : value;
  return { ...before, ...said, ...(both === undefined ? {} : { value: both }) };
}

/** What may pass by itself is worth another try, as with the real backends. */
function scripted(code: ActionErrorCode, action: string): ActionError {
  const retryable = code === 'unavailable' || code === 'timeout';
  return new ActionError(code, `${action} fails here: the test says so`, { retryable });
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
