import { parsePod, parseRollout } from '../adapters/kubernetes-workloads.ts';
import { parseWorkload } from '../adapters/scaler.ts';

/** One thing that RBAC has to allow. */
export interface KubeRight {
  readonly namespace: string;
  /** `apps`, or empty for the core group. */
  readonly group: string;
  /** `deployments`, `pods`. */
  readonly resource: string;
  readonly subresource?: string;
  readonly verb: string;
}

/**
 * What a step on this very workload or pod needs in its namespace, as docs/actions.md lists it; empty where
 * it is not Kubernetes', or a template decides where it is.
 */
export function rightsOf(action: string, reference: string): readonly KubeRight[] {
  switch (action) {
    case 'scale_workers':
      return ofScaling(reference);
    case 'rollout_restart':
    case 'rollout_undo':
      return ofRollout(action, reference);
    case 'delete_pod':
      return ofPod(reference);
    default:
      return [];
  }
}

function ofScaling(reference: string): readonly KubeRight[] {
  const ref = parseWorkload(reference);
  if (ref?.kind !== 'k8s') return [];
  const on = { namespace: ref.namespace, group: 'apps', resource: `${ref.resource}s` };
  return [
    { ...on, verb: 'get' },
    { ...on, subresource: 'scale', verb: 'get' },
    { ...on, subresource: 'scale', verb: 'update' },
  ];
}

function ofRollout(action: string, reference: string): readonly KubeRight[] {
  const ref = parseRollout(reference);
  if (ref === undefined) return [];
  const apps = { namespace: ref.namespace, group: 'apps' };
  const on = { ...apps, resource: `${ref.kind}s` };
  const history = { ...apps, resource: 'replicasets', verb: 'list' };
  return [
    { ...on, verb: 'get' },
    { ...on, verb: 'patch' },
    ...(action === 'rollout_undo' ? [history] : []),
  ];
}

/** Whose pod it is, and so which workload is read, its name does not say. */
function ofPod(reference: string): readonly KubeRight[] {
  const ref = parsePod(reference);
  if (ref === undefined) return [];
  const on = { namespace: ref.namespace, group: '', resource: 'pods' };
  return ['get', 'list', 'delete'].map((verb) => ({ ...on, verb }));
}

/** `get deployments/scale` */
export function rightText({ verb, resource, subresource }: KubeRight): string {
  return `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;
}
