import { z } from 'zod';
import { AutohealError } from '../core/errors.ts';
import type { Episode } from '../core/alerts/episode.ts';
import { isoTime } from '../core/time.ts';
import type { HttpDeps } from './deps.ts';
import {
  GuardItem,
  guardViews,
  PayloadItem,
  payloadView,
  RuleItem,
  ruleView,
} from './explain-views.ts';
import { one, text, type QueryOf } from './query.ts';
import { ok, route, type Answer, type Call } from './route.ts';
import {
  EpisodeItem,
  episodeView,
  NullableTime,
  RemediationItem,
  remediationView,
} from './views.ts';
import { WebhookBody } from './webhook.ts';

const EXPLAIN = {
  episode: one(text, 'Id of an episode'),
  fingerprint: one(text, 'Fingerprint of an alert: its newest episode is explained'),
};

export const EXPLAIN_ROUTES = [
  route({
    method: 'GET',
    path: '/api/v1/explain',
    access: 'viewer',
    summary:
      'Why, or why not: each rule with its first failing matcher or its plan, each guard with what it said.',
    query: EXPLAIN,
    answers: {
      200: {
        description: 'The explanation',
        schema: z.strictObject({
          episode: EpisodeItem,
          /** By the rules in force now. */
          rules: z.array(RuleItem),
          remediations: z.array(
            z.strictObject({
              remediation: RemediationItem,
              asked_at: NullableTime,
              guards: z.array(GuardItem),
            }),
          ),
        }),
      },
    },
    handle: explain,
  }),
  route({
    method: 'POST',
    path: '/api/v1/explain',
    access: 'viewer',
    summary: 'What would be done about a webhook body. Takes and changes nothing.',
    body_read_by_handler: WebhookBody,
    large_body: true,
    answers: {
      200: { description: 'Of each alert, as if it came alone and now', schema: PayloadItem },
    },
    handle: async ({ deps, bytes }) => ok(payloadView(await deps.what_if.payload(bytes))),
  }),
];

async function explain({ deps, query }: Call<QueryOf<typeof EXPLAIN>, undefined>): Promise<Answer> {
  const episode = await episodeOf(deps, query);
  if (episode === undefined) throw new AutohealError('not_found', 'no such alert was ever seen');
  const remediations = await deps.store.remediationsOf(episode.id);
  const rules = await deps.what_if.episode(episode);
  return ok({
    episode: episodeView(episode),
    rules: rules.map(ruleView),
    remediations: remediations.map((remediation) => ({
      remediation: remediationView(remediation),
      asked_at: remediation.guards === null ? null : isoTime(remediation.guards.at),
      guards: guardViews(remediation),
    })),
  });
}

async function episodeOf(
  { store }: HttpDeps,
  { episode, fingerprint }: QueryOf<typeof EXPLAIN>,
): Promise<Episode | undefined> {
  if ((episode === undefined) === (fingerprint === undefined))
    throw new AutohealError('invalid_request', 'give episode or fingerprint, one of the two');
  if (episode !== undefined) return store.episode(episode);
  const page = await store.listEpisodes({
    limit: 1,
    ...(fingerprint === undefined ? {} : { fingerprint }),
  });
  return page.items[0];
}
