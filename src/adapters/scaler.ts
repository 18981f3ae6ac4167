import type { Health } from '../action.ts';
import type { JsonObject } from '../core/json.ts';

/** What is scaled, as a rule writes it. */
export type WorkloadRef =
  | { readonly kind: 'compose'; readonly project: string | null; readonly service: string }
  | { readonly kind: 'swarm'; readonly service: string }
  | {
      readonly kind: 'k8s';
      readonly namespace: string;
      readonly resource: K8sResource;
      readonly name: string;
    };
export type K8sResource = 'deployment' | 'statefulset' | 'replicaset';

/** A workload as it is now. */
export interface Workload {
  /** Canonical: `compose/<project>/<service>`, `swarm/<service>`, `k8s/<ns>/<kind>/<name>`. */
  readonly id: string;
  readonly name: string;
  readonly replicas: number;
  /** It cannot have more than these (Compose: what exists); null where nothing bounds it. */
  readonly most: number | null;
  /** How its owner can raise `most`. */
  readonly most_hint: string;
  /** Label or annotation autoheal=true. */
  readonly labelled: boolean;
  /** How its owner can opt in. */
  readonly opt_in_hint: string;
}

export interface Move {
  /** The count that the plan saw. */
  readonly from: number;
  readonly to: number;
  /** True when an earlier attempt may have got part of the way. */
  readonly resume: boolean;
}
/** `moved`: the count was neither `from` nor `to`; nothing was changed. */
export type Scaled =
  | { readonly kind: 'scaled'; readonly evidence: JsonObject }
  | { readonly kind: 'moved'; readonly replicas: number };

/** One way to scale. All of it throws ActionErrors and stops on `signal`. */
export interface Scaler {
  look(ref: WorkloadRef, signal: AbortSignal): Promise<Workload>;
  /** Compares with `from`, sets `to`; an absolute target, so it is safe to repeat. */
  scale(ref: WorkloadRef, move: Move, signal: AbortSignal): Promise<Scaled>;
  /** What `scale` would do, in a line; changes nothing. */
  preview(ref: WorkloadRef, move: Move, signal: AbortSignal): Promise<string>;
  health(ref: WorkloadRef, wanted: number, signal: AbortSignal): Promise<Health>;
}

const COMPOSE = /^compose\/(?:([a-z0-9][a-z0-9_-]*)\/)?([a-zA-Z0-9][a-zA-Z0-9._-]*)$/;
const SWARM = /^swarm\/([a-zA-Z0-9][a-zA-Z0-9._-]*)$/;
const K8S =
  /^k8s\/([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)\/(deployment|statefulset|replicaset)\/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)$/;
const WORKLOAD_LIMIT_CHARS = 400;

/** @returns undefined when the text names no workload. */
export function parseWorkload(text: string): WorkloadRef | undefined {
  if (text.length > WORKLOAD_LIMIT_CHARS) return undefined;
  const compose = COMPOSE.exec(text);
  if (compose !== null)
    return { kind: 'compose', project: compose[1] ?? null, service: compose[2] ?? '' };
  const swarm = SWARM.exec(text);
  if (swarm !== null) return { kind: 'swarm', service: swarm[1] ?? '' };
  const k8s = K8S.exec(text);
  if (k8s === null) return undefined;
  return {
    kind: 'k8s',
    namespace: k8s[1] ?? '',
    resource: k8s[2] as K8sResource,
    name: k8s[3] ?? '',
  };
}

/** What a person would type to reach `replicas`. */
export function scaleCommand(id: string, replicas: number): string {
  const ref = parseWorkload(id);
  if (ref?.kind === 'k8s')
    return `kubectl -n ${ref.namespace} scale ${ref.resource}/${ref.name} --replicas=${replicas}`;
  if (ref?.kind === 'swarm') return `docker service scale ${ref.service}=${replicas}`;
  if (ref?.kind === 'compose' && ref.project !== null)
    return `docker compose -p ${ref.project} scale ${ref.service}=${replicas}`;
  return `scale ${id} to ${replicas}`;
}

/** May this move begin, given the count now? `there`: nothing is left to do. */
export function judgeMove(now: number, move: Move): 'there' | 'go' | 'moved' {
  if (now === move.to) return 'there';
  if (now === move.from) return 'go';
  const between = now > Math.min(move.from, move.to) && now < Math.max(move.from, move.to);
  return between && move.resume ? 'go' : 'moved';
}
