import { callOptions, classifyKubernetes, createKubernetes } from '../adapters/kubernetes.ts';
import { ASK_TIMEOUT_MS } from './ask.ts';
import { type Finding, listed, notebook, type Notebook } from './finding.ts';
import type { Installation } from './installation.ts';
import { type KubeRight, rightText } from './rights.ts';

/** Namespaces that are asked about; each right in one costs a call. */
const NAMESPACES_MAX = 20;

/** Reachable, and allowed by RBAC what the rules' workloads and pods need. */
export async function checkKubernetes(of: Installation): Promise<readonly Finding[]> {
  const note = notebook('kubernetes');
  const adapter = createKubernetes({ env: of.env });
  // Its library takes its time to load, which is not the API server's. What is wrong the status says.
  await adapter.client().catch(() => undefined);
  const { status, detail } = await adapter.component.status();
  if (status !== 'ok') {
    sayAway(note, of, { status, detail });
    return note.findings();
  }
  const { kubernetes, rights } = of.needs;
  note.ok(detail);
  if (kubernetes.length === 0) note.skip('no enabled rule needs Kubernetes');
  else if (rights.length === 0)
    note.skip('the rules name their workloads by templates, so there is no namespace to ask about');
  const spaces = [...Map.groupBy(rights, ({ namespace }) => namespace)];
  const asked = await Promise.all(
    spaces
      .slice(0, NAMESPACES_MAX)
      .map(([namespace, wanted]) => checkRights(adapter, namespace, wanted)),
  );
  if (spaces.length > NAMESPACES_MAX)
    note.skip(`${spaces.length - NAMESPACES_MAX} more namespaces were not asked about`);
  return [...note.findings(), ...asked.flat()];
}

function sayAway(
  note: Notebook,
  { needs: { kubernetes, rights }, shipped_rules }: Installation,
  { status, detail }: { readonly status: string; readonly detail: string },
): void {
  const fix =
    'set KUBECONFIG to a file with a current context, or run in a pod with a service account';
  if (kubernetes.length === 0) {
    if (status === 'off') note.skip(`${detail}; no enabled rule needs it`);
    else note.warn(`${detail}; no enabled rule needs it`, fix);
    return;
  }
  const or = `${fix}; or disable those rules (enabled: false)`;
  // What a template names may never be here, and the rules that ship were chosen by nobody.
  if (status === 'off' && (shipped_rules || rights.length === 0))
    note.warn(
      `${detail}; only rules that name their targets by templates need it: ${listed(kubernetes)}`,
      or,
    );
  else note.fail(`${detail}; needed by ${listed(kubernetes)}`, or);
}

/** Asks the API server itself, by SelfSubjectAccessReview: it changes nothing. */
async function checkRights(
  adapter: ReturnType<typeof createKubernetes>,
  namespace: string,
  wanted: readonly KubeRight[],
): Promise<readonly Finding[]> {
  const note = notebook('kubernetes');
  try {
    const config = await adapter.client();
    const { AuthorizationV1Api } = await import('@kubernetes/client-node');
    const api = config.makeApiClient(AuthorizationV1Api);
    const options = await callOptions(AbortSignal.timeout(ASK_TIMEOUT_MS));
    const missing: KubeRight[] = [];
    for (const right of wanted) {
      const body = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { ...right } },
      };
      const review = await api.createSelfSubjectAccessReview({ body }, options);
      if (review.status?.allowed !== true) missing.push(right);
    }
    const what = `namespace ${namespace}`;
    if (missing.length === 0) note.ok(`${what}: allowed: ${wanted.map(rightText).join(', ')}`);
    else
      note.fail(
        `${what}: not allowed: ${missing.map(rightText).join(', ')}`,
        `give autoheal's service account a Role in namespace ${namespace} with ${grantsOf(missing)} (docs/actions.md has it)`,
      );
  } catch (error) {
    note.fail(
      `namespace ${namespace}: the rights could not be asked: ${classifyKubernetes(error).message}`,
      'let the account create selfsubjectaccessreviews (the role system:basic-user has it)',
    );
  }
  return note.findings();
}

/** `apiGroups: [apps]: patch deployments; apiGroups: ['']: delete pods` */
function grantsOf(missing: readonly KubeRight[]): string {
  return [...Map.groupBy(missing, ({ group }) => group)]
    .map(([group, rights]) => {
      const name = group === '' ? "''" : group;
      return `apiGroups: [${name}]: ${rights.map(rightText).join(', ')}`;
    })
    .join('; ');
}
