import type { V1ResourceAttributes } from '@kubernetes/client-node';
import { callOptions, classifyKubernetes, createKubernetes } from '../adapters/kubernetes.ts';
import { ASK_TIMEOUT_MS } from './ask.ts';
import { type Finding, listed, notebook } from './finding.ts';
import type { Installation } from './installation.ts';

/** Namespaces that are asked about; each costs three calls. */
const NAMESPACES_MAX = 20;

/** Reachable, and allowed by RBAC what the rules' workloads need. */
export async function checkKubernetes(of: Installation): Promise<readonly Finding[]> {
  const note = notebook('kubernetes');
  const adapter = createKubernetes({ env: of.env });
  const { status, detail } = await adapter.component.status();
  const { kubernetes, workloads } = of.needs;
  const needed = kubernetes.length > 0;
  const fix =
    'set KUBECONFIG to a file with a current context, or run in a pod with a service account';
  if (status !== 'ok') {
    if (needed)
      note.fail(
        `${detail}; needed by ${listed(kubernetes)}`,
        `${fix}; or disable those rules (enabled: false)`,
      );
    else if (status === 'off') note.skip(`${detail}; no enabled rule needs it`);
    else note.warn(`${detail}; no enabled rule needs it`, fix);
    return note.findings();
  }
  note.ok(detail);
  if (!needed) note.skip('no enabled rule needs Kubernetes');
  else if (workloads.length === 0)
    note.skip('the rules name their workloads by templates, so there is no namespace to ask about');
  const asked = workloads.slice(0, NAMESPACES_MAX);
  const rights = await Promise.all(asked.map((workload) => checkRights(adapter, workload)));
  if (workloads.length > NAMESPACES_MAX)
    note.skip(
      `${workloads.length - NAMESPACES_MAX} more kinds and namespaces were not asked about`,
    );
  return [...note.findings(), ...rights.flat()];
}

/** Asks the API server itself, by SelfSubjectAccessReview: it changes nothing. */
async function checkRights(
  adapter: ReturnType<typeof createKubernetes>,
  { namespace, resource }: Installation['needs']['workloads'][number],
): Promise<readonly Finding[]> {
  const note = notebook('kubernetes');
  const group = { namespace, group: 'apps', resource: `${resource}s` };
  const wanted: readonly V1ResourceAttributes[] = [
    { ...group, verb: 'get' },
    { ...group, verb: 'get', subresource: 'scale' },
    { ...group, verb: 'update', subresource: 'scale' },
  ];
  try {
    const config = await adapter.client();
    const { AuthorizationV1Api } = await import('@kubernetes/client-node');
    const api = config.makeApiClient(AuthorizationV1Api);
    const options = await callOptions(AbortSignal.timeout(ASK_TIMEOUT_MS));
    const missing: string[] = [];
    for (const resourceAttributes of wanted) {
      const body = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes },
      };
      const review = await api.createSelfSubjectAccessReview({ body }, options);
      if (review.status?.allowed !== true) missing.push(rightOf(resourceAttributes));
    }
    const what = `namespace ${namespace}, ${resource}s`;
    if (missing.length === 0) note.ok(`${what}: get, and get and update of scale are allowed`);
    else
      note.fail(
        `${what}: not allowed: ${missing.join(', ')}`,
        `give autoheal's service account a Role in namespace ${namespace} with apiGroups: [apps] and ${missing.join(', ')} (docs/actions.md has it)`,
      );
  } catch (error) {
    note.fail(
      `namespace ${namespace}: the rights could not be asked: ${classifyKubernetes(error).message}`,
      'let the account create selfsubjectaccessreviews (the role system:basic-user has it)',
    );
  }
  return note.findings();
}

function rightOf({ verb = '', resource = '', subresource }: V1ResourceAttributes): string {
  return `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;
}
