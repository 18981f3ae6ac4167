import { z } from 'zod';
import {
  ActionError,
  type ActionContext,
  defineAction,
  type RehearsedWorld,
} from '../src/action.ts';
import { composeScaler } from '../src/adapters/compose.ts';
import { kubernetesScaler } from '../src/adapters/kubernetes-scale.ts';
import {
  parseWorkload,
  scaleCommand,
  type Move,
  type Scaler,
  type Workload,
  type WorkloadRef,
} from '../src/adapters/scaler.ts';
import { swarmScaler } from '../src/adapters/swarm.ts';
import type { Json } from '../src/core/json.ts';
import type { Target } from '../src/core/healing/remediation.ts';

/** More than anybody means: a typing mistake must not start ten thousand pods. */
const REPLICAS_MAX = 1_000;

const replicas = z.int().min(0).max(REPLICAS_MAX);
const params = z
  .strictObject({
    workload: z
      .string()
      .refine((text) => parseWorkload(text) !== undefined, {
        error:
          'write compose/<service>, compose/<project>/<service>, swarm/<service> or k8s/<namespace>/deployment/<name>',
      })
      .describe(
        '`compose/<service>`, `compose/<project>/<service>`, `swarm/<service>`, or `k8s/<namespace>/<kind>/<name>` with kind `deployment`, `statefulset` or `replicaset`.',
      ),
    by: z
      .int()
      .min(-REPLICAS_MAX)
      .max(REPLICAS_MAX)
      .optional()
      .describe('A change, such as `+2` or `-1`. Either this or `to`.'),
    to: replicas.optional().describe('A count. Either this or `by`.'),
    min: replicas.default(1).describe('Never fewer.'),
    max: replicas.describe('Never more.'),
  })
  .refine(({ by, to }) => (by === undefined) !== (to === undefined), {
    error: 'give either by (a change, such as +2) or to (a count)',
  })
  .refine(({ by }) => by !== 0, { path: ['by'], error: 'by: 0 changes nothing' })
  .refine(({ min, max }) => max >= min, { path: ['max'], error: 'max is below min (1 unless set)' })
  .refine(({ to, min, max }) => to === undefined || (to >= min && to <= max), {
    path: ['to'],
    error: 'to is outside min (1 unless set) and max',
  });
type Params = z.output<typeof params>;

export default defineAction<Params>({
  id: 'scale_workers',
  summary:
    'Set the number of replicas of a Compose or Swarm service or a Kubernetes workload, within limits.',
  // Each backend folds its own errors; the breaker is one for all, named after what is scaled here.
  backend: 'workers',
  params: params,
  safe_to_repeat: true,
  leasable: true,

  rehearse(given, world) {
    const found = rehearsed(given.workload, world);
    return [targetOf(found, wantedOf(found, given), { allows: () => false })];
  },

  async resolve(given, ctx) {
    const ref = refOf(given.workload);
    const found = await scalerOf(ref, ctx).look(ref, ctx.signal);
    return [targetOf(found, wantedOf(found, given), ctx)];
  },

  async preview(_given, target, ctx) {
    const ref = refOf(target.id);
    return await scalerOf(ref, ctx).preview(
      ref,
      moveOf(target.observed, target.desired),
      ctx.signal,
    );
  },

  async execute(_given, target, ctx) {
    const ref = refOf(target.id);
    const move = moveOf(target.observed, target.desired, ctx.attempt > 1);
    const scaled = await scalerOf(ref, ctx).scale(ref, move, ctx.signal);
    if (scaled.kind === 'scaled') return scaled.evidence;
    throw new ActionError(
      'conflict',
      `${target.id} has ${scaled.replicas} replicas now, the plan saw ${move.from}: changed elsewhere, left alone`,
      { retryable: false },
    );
  },

  async verify(_given, target, _evidence, ctx) {
    const ref = refOf(target.id);
    return await scalerOf(ref, ctx).health(ref, countOf(target.desired), ctx.signal);
  },

  async revert(target, undo, ctx) {
    const ref = refOf(target.id);
    const move = moveOf(undo.value, undo.original, ctx.attempt > 1);
    const scaled = await scalerOf(ref, ctx).scale(ref, move, ctx.signal);
    if (scaled.kind === 'scaled')
      return {
        result: 'reverted',
        cmd: scaleCommand(target.id, move.to),
        evidence: scaled.evidence,
      };
    return {
      result: 'changed_elsewhere',
      cmd: null,
      evidence: { replicas: scaled.replicas, expected: move.from, original: move.to },
    };
  },
});

function refOf(workload: string): WorkloadRef {
  const ref = parseWorkload(workload);
  if (ref !== undefined) return ref;
  throw new ActionError('invalid_params', `${workload} names no workload`, { retryable: false });
}

/** One replica where the world says nothing; nothing but the rule bounds it. */
function rehearsed(workload: string, world: RehearsedWorld): Workload {
  const observed = world.observed(workload);
  return {
    id: workload,
    name: workload.slice(workload.lastIndexOf('/') + 1),
    replicas: observed === undefined ? 1 : countOf(observed),
    most: null,
    most_hint: '',
    labelled: world.about(workload).opted_in,
    opt_in_hint: 'the world says that it did not opt in',
  };
}

function scalerOf(ref: WorkloadRef, ctx: ActionContext): Scaler {
  if (ref.kind === 'compose') return composeScaler(() => ctx.clients.docker());
  if (ref.kind === 'swarm') return swarmScaler(() => ctx.clients.docker());
  return kubernetesScaler(() => ctx.clients.kubernetes());
}

/**
 * The absolute count. A step up never scales down: where people already run more than `max`, `by: +2`
 * leaves them theirs. A step down takes no more than it says: `max` does not bound it.
 * @throws ActionError `limit_reached` when nothing can be changed, so that the ladder goes on.
 */
function wantedOf(found: Workload, given: Params): number {
  const now = found.replicas;
  const { up, asked } = askedOf(now, given);
  const wanted = up ? Math.max(now, Math.min(asked, found.most ?? asked)) : Math.min(now, asked);
  if (wanted !== now || (given.to !== undefined && asked === now)) return wanted;
  const bound = up ? `max is ${given.max}` : `min is ${given.min}`;
  const why = up && now < asked ? found.most_hint : bound;
  throw new ActionError('limit_reached', `${found.id} has ${now} replicas already; ${why}`, {
    retryable: false,
  });
}

function askedOf(now: number, { by, to, min, max }: Params): { up: boolean; asked: number } {
  const floored = Math.max(min, to ?? now + (by ?? 0));
  const up = (by ?? floored - now) > 0;
  return { up, asked: up ? Math.min(max, floored) : floored };
}

function targetOf(found: Workload, wanted: number, ctx: Pick<ActionContext, 'allows'>): Target {
  const named = ctx.allows(found.id, found.name);
  const why = found.labelled ? 'marked autoheal=true' : "named in the policy's targets";
  return {
    id: found.id,
    parents: [],
    name: found.name,
    opted_in: found.labelled || named,
    opt_in_hint: found.labelled || named ? why : found.opt_in_hint,
    observed: { replicas: found.replicas },
    desired: { replicas: wanted },
    cmd: scaleCommand(found.id, wanted),
  };
}

function moveOf(from: Json, to: Json, resume = false): Move {
  return { from: countOf(from), to: countOf(to), resume };
}

/** The stored `{ replicas: n }`. */
function countOf(state: Json): number {
  const count = (state as { replicas?: unknown } | null)?.replicas;
  if (typeof count === 'number') return count;
  throw new ActionError('unexpected', `no count of replicas in ${JSON.stringify(state)}`, {
    retryable: false,
  });
}
