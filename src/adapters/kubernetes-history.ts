import { isDeepStrictEqual } from 'node:util';
import { ActionError } from '../action.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { type Right, rawOptions } from './kubernetes.ts';
import { refuseMoved, unlessStale, untilFresh } from './kubernetes-rollouts.ts';
import {
  type KubeApi,
  refuse,
  rightOn,
  stateOf,
  type WorkloadName,
  type WorkloadObject,
  type WorkloadState,
} from './kubernetes-workloads.ts';

/** One revision of a Deployment: a ReplicaSet. */
export interface Revision {
  readonly number: number;
  readonly replica_set: string;
  /** The pod template, as the server sent it, without the ReplicaSet's own label. */
  readonly template: JsonObject;
  readonly change_cause: string | undefined;
}
export interface History {
  readonly state: WorkloadState;
  readonly current: number;
  readonly template: JsonObject;
  /** Newest first. */
  readonly revisions: readonly Revision[];
}
export interface Undo {
  /** The generation that the plan saw. */
  readonly generation: number;
  /** Numbers move when an old revision comes back; names stay. */
  readonly replica_set: string;
  readonly dry_run?: boolean;
}
export interface Undone {
  readonly changed: boolean;
  readonly generation: number;
}

const REVISION = 'deployment.kubernetes.io/revision';
const CHANGE_CAUSE = 'kubernetes.io/change-cause';
const HASH_LABEL = 'pod-template-hash';
/** ReplicaSets that autoheal turned away from, so that a second undo does not bring one back. */
const UNDONE = 'autoheal/undone-replicasets';
const UNDONE_MAX = 10;
/** revisionHistoryLimit is 10 unless set. */
const REPLICA_SETS_MAX = 500;
const SHOWN_MAX = 10;

interface RawObject extends WorkloadObject {
  readonly metadata: NonNullable<WorkloadObject['metadata']> & { readonly name: string };
  readonly spec: NonNullable<WorkloadObject['spec']> & { readonly template: JsonObject };
}

/** The Deployment with its ReplicaSets, as the server sent them. */
export async function readHistory(api: KubeApi, ref: WorkloadName): Promise<History> {
  const found = await readRaw(api, ref);
  const state = stateOf(found, ref);
  const sets = (await listSets(api, state)).filter((set) =>
    set.metadata.ownerReferences?.some((one) => one.controller === true && one.uid === state.uid),
  );
  return {
    state,
    current: revisionOf(state.annotations),
    template: templateOf(found),
    revisions: sets.map(toRevision).toSorted((a, b) => b.number - a.number),
  };
}

/**
 * The revision to go back to: the one asked for, else the newest before the current one that autoheal
 * did not itself turn away from.
 * @throws ActionError `conflict` just after a change; `not_found` for a number that there is not; `limit_reached` when nothing would change.
 */
export function earlierRevision(history: History, wanted: number | undefined): Revision {
  const { state, revisions, current, template } = history;
  // Until then the newest revision has no number, and the one before it would be the wrong one.
  if (state.observed_generation < state.generation)
    throw new ActionError(
      'conflict',
      `${state.id} was changed a moment ago, and its controller has not seen it yet`,
      { retryable: true },
    );
  const undone = undoneOf(state);
  const found =
    wanted === undefined
      ? revisions.find((one) => one.number < current && !undone.includes(one.replica_set))
      : revisions.find((one) => one.number === wanted);
  if (found === undefined) throw missing(history, wanted);
  if (!isDeepStrictEqual(found.template, template)) return found;
  throw new ActionError(
    'limit_reached',
    `${state.id} has the pod template of revision ${found.number} already`,
    { retryable: false },
  );
}

function missing({ state, revisions, current }: History, wanted: number | undefined): ActionError {
  const shown = revisions.slice(0, SHOWN_MAX).map((one) => one.number);
  const there = `there are ${shown.length === 0 ? 'none' : shown.join(', ')}`;
  if (wanted !== undefined)
    return new ActionError('not_found', `${state.id} has no revision ${wanted}; ${there}`, {
      retryable: false,
    });
  return new ActionError(
    'limit_reached',
    `${state.id} has no revision before ${current} to go back to; ${there}`,
    { retryable: false },
  );
}

/**
 * Brings the template of a revision back, as `kubectl rollout undo` does; the Deployment's annotations
 * stay, except for the change cause. Safe to repeat: a template that is there already is left alone.
 */
export async function undoRollout(
  api: KubeApi,
  ref: WorkloadName,
  { generation, replica_set, dry_run = false }: Undo,
): Promise<Undone> {
  return await untilFresh(ref, async () => {
    const history = await readHistory(api, ref);
    const to = history.revisions.find((one) => one.replica_set === replica_set);
    if (to === undefined)
      refuse(`ReplicaSet ${replica_set} of ${history.state.id} is gone, and its template with it`);
    if (isDeepStrictEqual(to.template, history.template))
      return { changed: false, generation: history.state.generation };
    refuseMoved(history.state, generation);
    refusePaused(history.state);
    const after = await patchUndo(api, history, to, dry_run);
    return { changed: true, generation: after.generation };
  });
}

function refusePaused({ id, paused, ref }: WorkloadState): void {
  if (!paused) return;
  refuse(
    `${id} is paused; to have it undone: kubectl -n ${ref.namespace} rollout resume deployment/${ref.name}`,
  );
}

/** Carries the resourceVersion that was read: without one the API server would overwrite blindly. */
async function patchUndo(
  api: KubeApi,
  history: History,
  to: Revision,
  dry_run: boolean,
): Promise<WorkloadState> {
  const { ref, resource_version } = history.state;
  const body: Json = [
    { op: 'replace', path: '/metadata/resourceVersion', value: resource_version },
    { op: 'replace', path: '/spec/template', value: to.template },
    { op: 'add', path: '/metadata/annotations', value: annotationsAfter(history, to) },
  ];
  const which = { name: ref.name, namespace: ref.namespace };
  // The library sends a JSON patch unless told otherwise.
  const call = { ...which, body, ...(dry_run ? { dryRun: 'All' } : {}) };
  const { options } = await rawOptions(api.signal);
  try {
    return stateOf(await api.apps.patchNamespacedDeployment(call, options), ref);
  } catch (error) {
    throw unlessStale(error, rightOn(ref, 'patch'));
  }
}

function annotationsAfter({ state, revisions, current }: History, to: Revision): JsonObject {
  const left = revisions.find((one) => one.number === current)?.replica_set;
  const undone = undoneOf(state).filter((name) => name !== to.replica_set && name !== left);
  const { [CHANGE_CAUSE]: _replaced, ...others } = state.annotations;
  return {
    ...others,
    ...(to.change_cause === undefined ? {} : { [CHANGE_CAUSE]: to.change_cause }),
    [UNDONE]: [...undone, ...(left === undefined ? [] : [left])].slice(-UNDONE_MAX).join(','),
  };
}

function undoneOf({ annotations }: WorkloadState): readonly string[] {
  return (annotations[UNDONE] ?? '').split(',').filter((name) => name !== '');
}

async function readRaw(api: KubeApi, ref: WorkloadName): Promise<RawObject> {
  const { options, body } = await rawOptions(api.signal);
  const which = { name: ref.name, namespace: ref.namespace };
  await explained(rightOn(ref, 'get'), () => api.apps.readNamespacedDeployment(which, options));
  return body() as unknown as RawObject;
}

async function listSets(api: KubeApi, { ref, selector }: WorkloadState): Promise<RawObject[]> {
  const { options, body } = await rawOptions(api.signal);
  const { namespace } = ref;
  const call = { namespace, labelSelector: selector, limit: REPLICA_SETS_MAX };
  const right: Right = { verb: 'list', resource: 'replicasets', group: 'apps', namespace };
  await explained(right, () => api.apps.listNamespacedReplicaSet(call, options));
  return ((body()['items'] ?? []) as unknown as RawObject[]).slice(0, REPLICA_SETS_MAX);
}

async function explained(right: Right, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    throw unlessStale(error, right);
  }
}

function toRevision(set: RawObject): Revision {
  const annotations = set.metadata.annotations ?? {};
  return {
    number: revisionOf(annotations),
    replica_set: set.metadata.name,
    template: templateOf(set),
    change_cause: annotations[CHANGE_CAUSE],
  };
}

function revisionOf(annotations: Readonly<Record<string, string>>): number {
  return Number(annotations[REVISION] ?? 0);
}

function templateOf(one: RawObject): JsonObject {
  const { template } = one.spec;
  const metadata = (template['metadata'] ?? {}) as JsonObject;
  const { [HASH_LABEL]: _hash, ...labels } = (metadata['labels'] ?? {}) as JsonObject;
  return { ...template, metadata: { ...metadata, labels } };
}
