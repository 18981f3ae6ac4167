import { z } from 'zod';
import { AutohealError } from '../core/errors.ts';
import { REMEDIATION_STATES } from '../core/healing/remediation.ts';
import { EXPORT_MAX, PAGE, pageLimit, pageQuery } from './audit.ts';
import { acceptedFormat, MEDIA_TYPES } from './audit-export.ts';
import { exportDeliveries } from './deliveries-export.ts';
import { instant, one, text, when, whole, type QueryOf } from './query.ts';
import { ok, route, type Answer, type Call } from './route.ts';
import {
  AuditItem,
  auditView,
  DeliveryItem,
  deliveryView,
  EpisodeItem,
  episodeView,
  pageOf,
  RemediationItem,
  remediationView,
  RunItem,
  runView,
} from './views.ts';

const ALERT = {
  alertname: one(text, 'Name of the alert'),
  fingerprint: one(text, 'Fingerprint of the alert'),
};
const ALERTS = {
  ...ALERT,
  ...PAGE,
  state: one(z.enum(['open', 'closed']), 'Firing now, or over'),
};
const REMEDIATIONS = {
  ...ALERT,
  ...PAGE,
  state: one(z.enum(REMEDIATION_STATES), 'Where it stands'),
  rule: one(text, 'Name of the rule'),
};
const DELIVERIES = {
  since: one(when, 'Of an export: from this time on, RFC 3339, or a duration meaning "ago"'),
  until: one(when, 'Of an export: before this time, the same'),
  cursor: PAGE.cursor,
  limit: one(whole(1, EXPORT_MAX), 'Of a page, as ever; of an export, all if absent'),
  format: one(z.enum(['json', 'ndjson']), 'Form of the answer; the Accept header, if absent'),
};
/** One remediation writes a few dozen entries; the audit query has the rest of an unusual one. */
const STORY_MAX = 1_000;

export const WORK_ROUTES = [
  route({
    method: 'GET',
    path: '/api/v1/alerts',
    access: 'viewer',
    summary: 'Episodes: each firing of each alert, newest first.',
    query: ALERTS,
    answers: { 200: { description: 'A page of episodes', schema: pageOf(EpisodeItem) } },
    handle: listAlerts,
  }),
  route({
    method: 'GET',
    path: '/api/v1/alerts/{id}',
    access: 'viewer',
    summary: 'One episode with its remediations.',
    answers: {
      200: {
        description: 'The episode',
        schema: EpisodeItem.extend({ remediations: z.array(RemediationItem) }),
      },
    },
    handle: getAlert,
  }),
  route({
    method: 'GET',
    path: '/api/v1/deliveries',
    access: 'viewer',
    summary: 'What the webhook took, newest first; as NDJSON with its bodies, oldest first.',
    query: DELIVERIES,
    answers: {
      200: {
        description: 'A page of deliveries; as NDJSON all of them, whole',
        schema: pageOf(DeliveryItem),
        text: [MEDIA_TYPES.ndjson],
      },
    },
    handle: listDeliveries,
  }),
  route({
    method: 'GET',
    path: '/api/v1/remediations',
    access: 'viewer',
    summary: 'Runs of rules, newest first.',
    query: REMEDIATIONS,
    answers: { 200: { description: 'A page of remediations', schema: pageOf(RemediationItem) } },
    handle: listRemediations,
  }),
  route({
    method: 'GET',
    path: '/api/v1/remediations/{id}',
    access: 'viewer',
    summary: 'One remediation with its runs of actions and its story in the audit.',
    answers: {
      200: {
        description: 'The remediation',
        schema: RemediationItem.extend({ runs: z.array(RunItem), audit: z.array(AuditItem) }),
      },
    },
    handle: getRemediation,
  }),
];

async function listAlerts({
  deps,
  query,
}: Call<QueryOf<typeof ALERTS>, undefined>): Promise<Answer> {
  const page = await deps.store.listEpisodes({ ...query, ...pageQuery(query) });
  return ok({ items: page.items.map(episodeView), next_cursor: page.next_cursor });
}

async function getAlert({ deps, param }: Call<object, undefined>): Promise<Answer> {
  const episode = await deps.store.episode(param('id'));
  if (episode === undefined) throw new AutohealError('not_found', 'no episode has this id');
  const remediations = await deps.store.remediationsOf(episode.id);
  return ok({ ...episodeView(episode), remediations: remediations.map(remediationView) });
}

async function listDeliveries(call: Call<QueryOf<typeof DELIVERIES>, undefined>): Promise<Answer> {
  const { deps, query, headers } = call;
  const { since, until, limit, cursor, format = acceptedFormat(headers.accept) } = query;
  if (format === 'ndjson') {
    refuse({ cursor }, 'an export begins at since, and has no pages');
    const now = deps.clock.now();
    const range = {
      ...(since && { since: instant(since, now) }),
      ...(until && { until: instant(until, now) }),
    };
    return exportDeliveries(call, range, limit ?? EXPORT_MAX);
  }
  refuse({ since, until }, 'is of an export: ask for format=ndjson, or leave it out');
  const page = await deps.store.listDeliveries({
    limit: pageLimit(limit),
    ...(cursor !== undefined && { cursor }),
  });
  const body = { items: page.items.map(deliveryView), next_cursor: page.next_cursor };
  return ok(body, { vary: 'accept' });
}

/** @throws AutohealError `invalid_request`: a parameter that would be ignored answers the wrong question. */
function refuse(unfit: Readonly<Record<string, unknown>>, why: string): void {
  for (const [parameter, value] of Object.entries(unfit))
    if (value !== undefined)
      throw new AutohealError('invalid_request', `query parameter "${parameter}": ${why}`, {
        parameter,
      });
}

async function listRemediations({
  deps,
  query,
}: Call<QueryOf<typeof REMEDIATIONS>, undefined>): Promise<Answer> {
  const page = await deps.store.listRemediations({ ...query, ...pageQuery(query) });
  return ok({ items: page.items.map(remediationView), next_cursor: page.next_cursor });
}

async function getRemediation({ deps, param }: Call<object, undefined>): Promise<Answer> {
  const remediation = await deps.store.remediation(param('id'));
  if (remediation === undefined) throw new AutohealError('not_found', 'no remediation has this id');
  const { id } = remediation;
  const [runs, story] = await Promise.all([
    deps.store.runsOf(id),
    deps.store.audit({ remediation: [id], order: 'asc', limit: STORY_MAX }),
  ]);
  return ok({
    ...remediationView(remediation),
    runs: runs.map(runView),
    audit: story.items.map(auditView),
  });
}
