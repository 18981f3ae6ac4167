import { z } from 'zod';
import { ActionError, type ActionContext, defineAction } from '../src/action.ts';
import {
  deletePod,
  type PodState,
  podsOf,
  readPod,
  workloadOf,
} from '../src/adapters/kubernetes-pods.ts';
import {
  kubeApi,
  type KubeApi,
  type KubeName,
  optIn,
  parsePod,
  parseWorkloadId,
  readWorkloadIfAny,
  refuse,
  type WorkloadState,
} from '../src/adapters/kubernetes-workloads.ts';
import type { Target } from '../src/core/healing/remediation.ts';

const GRACE_MAX_SECONDS = 3_600;

const params = z.strictObject({
  pod: z
    .string()
    .refine((text) => parsePod(text) !== undefined, { error: 'write k8s/<namespace>/pod/<name>' })
    .describe('`k8s/<namespace>/pod/<name>`.'),
  // 0 would be a forced deletion: the API forgets the pod while its node may still run it.
  grace_seconds: z
    .int()
    .min(1)
    .max(GRACE_MAX_SECONDS)
    .optional()
    .describe("How long it may take to stop before it is killed, seconds. Unset: the pod's own."),
});
type Params = z.output<typeof params>;

/** What the plan saw. */
interface Observed {
  readonly uid: string;
  readonly ready: boolean;
  readonly workload: string;
  /** Ready pods of the workload besides this one. */
  readonly ready_others: number;
}

export default defineAction<Params>({
  id: 'delete_pod',
  summary: 'Delete one Kubernetes pod, so that its workload brings up another.',
  backend: 'kubernetes',
  params,
  safe_to_repeat: false,
  leasable: false,

  rehearse({ pod, grace_seconds }, world) {
    const ref = refOf(pod);
    const { opted_in, group } = world.about(pod);
    const workload = group?.id ?? '';
    const observed: Observed = { uid: 'rehearsed', ready: true, workload, ready_others: 0 };
    return [
      {
        id: pod,
        parents: workload === '' ? [] : [workload],
        name: ref.name,
        opted_in,
        opt_in_hint: 'the world of the rehearsal says so',
        observed: world.observed(pod) ?? { ...observed },
        desired: null,
        cmd: deleteCommand(ref, grace_seconds),
        ...(group === undefined ? {} : { group }),
      },
    ];
  },

  async resolve(given, ctx) {
    const api = await apiOf(ctx);
    const ref = refOf(given.pod);
    const pod = await readPod(api, ref);
    if (pod === undefined)
      throw new ActionError('not_found', `pod ${ref.name} is not in namespace ${ref.namespace}`, {
        retryable: false,
      });
    const workload = await workloadOf(api, pod);
    const others = (await podsOf(api, workload)).filter(({ uid }) => uid !== pod.uid);
    return [targetOf(given, pod, workload, others, ctx)];
  },

  async preview({ grace_seconds }, target, ctx) {
    const { uid } = observedOf(target);
    const api = await apiOf(ctx);
    const now = await readPod(api, refOf(target.id));
    if (now?.uid !== uid) return `${target.id} is gone: nothing to do`;
    refuseTerminating(now);
    await deletePod(api, now.ref, { uid, grace_seconds, dry_run: true });
    return `delete ${target.id}, uid ${uid}: the API server's dry run accepts it`;
  },

  async execute({ grace_seconds }, target, ctx) {
    const { uid, workload } = observedOf(target);
    const api = await apiOf(ctx);
    const now = await readPod(api, refOf(target.id));
    // An earlier attempt may have got through although its answer was lost.
    const ours = ctx.attempt > 1;
    const evidence = { uid, workload };
    if (now?.uid !== uid) return { deleted: ours, gone_elsewhere: !ours, ...evidence };
    if (ours && now.terminating) return { deleted: true, gone_elsewhere: false, ...evidence };
    refuseTerminating(now);
    const result = await deletePod(api, now.ref, { uid, grace_seconds });
    const deleted = result === 'deleted';
    return { deleted, gone_elsewhere: !deleted, ...evidence };
  },

  async verify(_given, target, _evidence, ctx) {
    const { uid, workload, ready_others } = observedOf(target);
    const api = await apiOf(ctx);
    if ((await readPod(api, refOf(target.id)))?.uid === uid) return 'pending';
    const owner = await readWorkloadIfAny(api, parseWorkloadId(workload));
    if (owner === undefined) return 'failed';
    // Others that were ill before are not this pod's replacement; scaled down since, none is due.
    const due = Math.min(owner.wanted, ready_others + 1);
    return (await readyOthers(api, owner, uid)) >= due ? 'healthy' : 'pending';
  },

  async probe(_given, target, ctx) {
    const now = await readPod(await apiOf(ctx), refOf(target.id));
    return now?.uid === observedOf(target).uid && !now.terminating ? 'not_done' : 'done';
  },
});

function refOf(pod: string): KubeName {
  const ref = parsePod(pod);
  if (ref !== undefined) return ref;
  throw new ActionError('invalid_params', `${pod} names no pod`, { retryable: false });
}

async function apiOf(ctx: ActionContext): Promise<KubeApi> {
  return await kubeApi(() => ctx.clients.kubernetes(), ctx.signal);
}

async function readyOthers(api: KubeApi, workload: WorkloadState, uid: string): Promise<number> {
  const pods = await podsOf(api, workload);
  return pods.filter((pod) => pod.ready && pod.uid !== uid).length;
}

function targetOf(
  { grace_seconds }: Params,
  { id, ref, uid, ready, annotations }: PodState,
  workload: WorkloadState,
  others: readonly PodState[],
  ctx: ActionContext,
): Target {
  const ready_others = others.filter((pod) => pod.ready).length;
  const labelled = [annotations, workload.annotations].some((one) => one['autoheal'] === 'true');
  const named = ctx.allows(id, ref.name) || ctx.allows(workload.id, workload.ref.name);
  const observed: Observed = { uid, ready, workload: workload.id, ready_others };
  return {
    id,
    parents: [workload.id],
    name: ref.name,
    ...optIn(labelled, named, workload),
    observed: { ...observed },
    desired: null,
    cmd: deleteCommand(ref, grace_seconds),
    group: { id: workload.id, total: others.length + 1, healthy: ready_others, serves: ready },
  };
}

function deleteCommand({ namespace, name }: KubeName, grace_seconds: number | undefined): string {
  const grace = grace_seconds === undefined ? '' : ` --grace-period=${grace_seconds}`;
  return `kubectl -n ${namespace} delete pod ${name}${grace}`;
}

function refuseTerminating(pod: PodState): void {
  if (pod.terminating) refuse(`${pod.id} is being deleted already`);
}

function observedOf(target: Target): Observed {
  return target.observed as unknown as Observed;
}
