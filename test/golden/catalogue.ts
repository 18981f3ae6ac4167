import { z } from 'zod';
import type { ActionFacts, Catalogue } from '../../src/core/rules/catalogue.ts';

/** A small catalogue with schemas like those of the shipped actions. */
const ACTIONS: Readonly<Record<string, ActionFacts>> = {
  restart_container: {
    params: z.strictObject({
      container: z.string().min(1),
      stop_seconds: z.int().min(0).max(300).default(10),
    }),
    leasable: false,
    has_verify: true,
  },
  scale_workers: {
    params: z
      .strictObject({
        workload: z.string().regex(/^(compose|k8s)\/[^/]+/, 'must be like compose/<service>'),
        by: z.int().optional(),
        to: z.int().min(0).optional(),
        min: z.int().min(0).default(1),
        max: z.int().min(1),
      })
      .refine(({ by, to }) => (by === undefined) !== (to === undefined), {
        message: 'needs exactly one of by and to',
      }),
    leasable: true,
    has_verify: true,
  },
  set_flag: {
    params: z.strictObject({
      flag: z.string().min(1),
      value: z.union([z.boolean(), z.string(), z.number()]),
    }),
    leasable: true,
    has_verify: false,
  },
  notify: {
    params: z.strictObject({ notifier: z.string().min(1), message: z.string().min(1) }),
    leasable: false,
    has_verify: false,
  },
  cancel_queries: {
    params: z.strictObject({ database: z.string().min(1), older_than: z.string() }),
    leasable: false,
    has_verify: true,
  },
  http_request: {
    params: z.strictObject({ url: z.string(), method: z.string() }),
    leasable: false,
    has_verify: false,
  },
  run_command: {
    params: z.strictObject({ argv: z.array(z.string()).min(1) }),
    leasable: false,
    has_verify: false,
  },
};

export const CATALOGUE: Catalogue = {
  action: (id) => (Object.hasOwn(ACTIONS, id) ? ACTIONS[id] : undefined),
  action_ids: Object.keys(ACTIONS),
  notifiers: ['page', 'chat'],
  flags: { 'heuristics-only': { default: false, summary: '' } },
  time_intervals: () => ['release-freeze', 'weekend'],
  databases: ['crm', 'shop'],
  hosts: ['https://crm.example.com'],
  commands: [['/usr/bin/systemctl', 'restart', 'crm-*']],
  redacted: new Set(['description']),
};
