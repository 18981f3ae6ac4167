import { z } from 'zod';
import { parseFactor, parsePercent } from '../slo.ts';
import { issueOf } from '../rules/schema-parts.ts';
import { OPS, SEVERITIES } from './model.ts';
import { durationMs } from './openslo-duration.ts';

/** The kinds of OpenSLO v1 that are read, strictly; what has no place in them is an annotation. */

const TEXT_MAX = 1_050;
const LIST_MAX = 20;
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

const Name = z.string().superRefine((text, ctx) => {
  if (!NAME.test(text))
    ctx.addIssue(
      issueOf(
        `"${text}" is no name of OpenSLO`,
        'use lower case letters, digits and "-", at most 63',
      ),
    );
});
const Line = z
  .string()
  .min(1)
  .max(TEXT_MAX)
  .superRefine((text, ctx) => {
    if (/\p{Cc}/u.test(text) || text.includes("'"))
      ctx.addIssue(issueOf("must be one line without '", 'write one line, without quotes'));
  });
const Duration = z.unknown().transform((value, ctx) => {
  const ms = durationMs(value);
  if (typeof ms === 'number') return ms;
  ctx.addIssue(issueOf(ms.message, ms.fix));
  return z.NEVER;
});
const SliceWindow = z.unknown().transform((value, ctx) => {
  // OpenSLO: a plain number is in minutes; it has no seconds of its own.
  const minutes = typeof value === 'number' && value > 0 && value <= 1_440 ? value : undefined;
  const ms = minutes === undefined ? durationMs(value) : Math.round(minutes * 60_000);
  if (typeof ms === 'number' && ms >= 1_000) return ms;
  ctx.addIssue(issueOf('is no length of a slice', 'write minutes, like 0.5 or 1m'));
  return z.NEVER;
});
const TargetPercent = z.unknown().transform((value, ctx) => {
  const units = typeof value === 'number' ? parsePercent(String(value)) : undefined;
  if (units !== undefined) return units;
  ctx.addIssue(issueOf('is no percentage above 0 and below 100', 'write it like 99.9'));
  return z.NEVER;
});
const Target = z.unknown().transform((value, ctx) => {
  const match = typeof value === 'number' ? /^0\.(\d{1,6})$/.exec(String(value)) : null;
  const units = match === null ? 0 : Number((match[1] ?? '').padEnd(6, '0'));
  if (units > 0) return units;
  ctx.addIssue(issueOf('is no share above 0 and below 1', 'write it like 0.999'));
  return z.NEVER;
});
const Factor = z.unknown().transform((value, ctx) => {
  const units = typeof value === 'number' ? parseFactor(String(value)) : undefined;
  if (units !== undefined) return units;
  ctx.addIssue(
    issueOf('is no burn factor', 'write it like 14.4: budget share x period / long window'),
  );
  return z.NEVER;
});

const Metadata = z.strictObject({
  name: Name,
  displayName: Line.optional(),
  labels: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
const ApiVersion = z.literal('openslo/v1');

const Query = z.strictObject({
  metricSource: z.strictObject({
    metricSourceRef: Name.optional(),
    type: z.literal('Prometheus'),
    spec: z.strictObject({ query: z.string() }),
  }),
});
const Indicator = z.strictObject({
  metadata: Metadata.optional(),
  spec: z
    .strictObject({
      description: Line.optional(),
      ratioMetric: z
        .strictObject({
          counter: z.literal(true),
          good: Query.optional(),
          bad: Query.optional(),
          total: Query,
        })
        .optional(),
      thresholdMetric: Query.optional(),
    })
    .superRefine(({ ratioMetric, thresholdMetric }, ctx) => {
      if ((ratioMetric === undefined) === (thresholdMetric === undefined))
        ctx.addIssue(
          issueOf('needs exactly one of ratioMetric and thresholdMetric', 'write one of the two'),
        );
      if (
        ratioMetric !== undefined &&
        (ratioMetric.good === undefined) === (ratioMetric.bad === undefined)
      )
        ctx.addIssue({
          ...issueOf('needs exactly one of good and bad', 'write one of the two'),
          path: ['ratioMetric'],
        });
    }),
});
const Objective = z
  .strictObject({
    displayName: Line.optional(),
    op: z.enum(OPS).optional(),
    value: z.number().optional(),
    target: Target.optional(),
    targetPercent: TargetPercent.optional(),
    timeSliceTarget: z.literal(1).optional(),
    timeSliceWindow: SliceWindow.optional(),
  })
  .superRefine(({ target, targetPercent }, ctx) => {
    if ((target === undefined) === (targetPercent === undefined))
      ctx.addIssue(
        issueOf('needs exactly one of target and targetPercent', 'write one of the two'),
      );
  });

export const KINDS = {
  Service: z.strictObject({
    apiVersion: ApiVersion,
    kind: z.literal('Service'),
    metadata: Metadata,
    spec: z.strictObject({ description: Line.optional() }),
  }),
  AlertNotificationTarget: z.strictObject({
    apiVersion: ApiVersion,
    kind: z.literal('AlertNotificationTarget'),
    metadata: Metadata,
    spec: z.strictObject({ target: Line, description: Line.optional() }),
  }),
  AlertCondition: z.strictObject({
    apiVersion: ApiVersion,
    kind: z.literal('AlertCondition'),
    metadata: Metadata,
    spec: z.strictObject({
      description: Line.optional(),
      severity: z.enum(SEVERITIES),
      condition: z.strictObject({
        kind: z.literal('burnrate'),
        threshold: Factor,
        lookbackWindow: Duration,
        alertAfter: Duration,
      }),
    }),
  }),
  AlertPolicy: z.strictObject({
    apiVersion: ApiVersion,
    kind: z.literal('AlertPolicy'),
    metadata: Metadata,
    spec: z.strictObject({
      description: Line.optional(),
      alertWhenBreaching: z.literal(true),
      alertWhenResolved: z.literal(true).optional(),
      alertWhenNoData: z.boolean().optional(),
      conditions: z.array(z.strictObject({ conditionRef: Name })).length(1),
      notificationTargets: z
        .array(z.strictObject({ targetRef: Name }))
        .min(1)
        .max(LIST_MAX),
    }),
  }),
  SLO: z.strictObject({
    apiVersion: ApiVersion,
    kind: z.literal('SLO'),
    metadata: Metadata,
    spec: z.strictObject({
      description: Line,
      service: Name,
      indicator: Indicator,
      timeWindow: z
        .array(z.strictObject({ duration: Duration, isRolling: z.literal(true) }))
        .length(1),
      budgetingMethod: z.enum(['Occurrences', 'Timeslices']),
      objectives: z.array(Objective).length(1),
      alertPolicies: z
        .array(z.strictObject({ alertPolicyRef: Name }))
        .min(1)
        .max(LIST_MAX),
    }),
  }),
};
export type Kind = keyof typeof KINDS;
export type Of<K extends Kind> = z.output<(typeof KINDS)[K]>;
