import { z } from 'zod';
import { AutohealError } from '../core/errors.ts';
import type { Episode } from '../core/alerts/episode.ts';
import { EARLY_GUARDS, PLAN_GUARDS } from '../core/healing/guards.ts';
import type { Remediation } from '../core/healing/remediation.ts';
import { firstFailing } from '../core/rules/matcher.ts';
import { isoTime } from '../core/time.ts';
import type { HttpDeps } from './deps.ts';
import { one, text, type QueryOf } from './query.ts';
import { ok, route, type Answer, type Call } from './route.ts';
import {
  EpisodeItem,
  episodeView,
  NullableTime,
  RemediationItem,
  remediationView,
} from './views.ts';

const EXPLAIN = {
  episode: one(text, 'Id of an episode'),
  fingerprint: one(text, 'Fingerprint of an alert: its newest episode is explained'),
};
const GuardItem = z.strictObject({
  guard: z.string(),
  /** Null: it was not asked, because no plan was made. */
  verdict: z.enum(['allow', 'wait', 'ask', 'refuse']).nullable(),
  detail: z.string().nullable(),
});
const RuleItem = z.strictObject({
  rule: z.string(),
  matches: z.boolean(),
  /** The first matcher that does not hold, as it is written; null where all hold. */
  first_failing_matcher: z.string().nullable(),
  /** Why a rule that matches was not taken. */
  why: z.string().nullable(),
});

export const EXPLAIN_ROUTES = [
  route({
    method: 'GET',
    path: '/api/v1/explain',
    access: 'viewer',
    summary:
      'Why, or why not: each rule with its first failing matcher, each guard with what it said.',
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
];

async function explain({ deps, query }: Call<QueryOf<typeof EXPLAIN>, undefined>): Promise<Answer> {
  const episode = await episodeOf(deps, query);
  if (episode === undefined) throw new AutohealError('not_found', 'no such alert was ever seen');
  const remediations = await deps.store.remediationsOf(episode.id);
  return ok({
    episode: episodeView(episode),
    rules: rulesOf(deps, episode),
    remediations: remediations.map((remediation) => ({
      remediation: remediationView(remediation),
      asked_at: remediation.guards === null ? null : isoTime(remediation.guards.at),
      guards: guardsOf(remediation),
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

function rulesOf({ rulebook }: HttpDeps, episode: Episode): readonly object[] {
  const rules = rulebook.current()?.rules ?? [];
  let taken: string | undefined;
  return rules.map((rule) => {
    const failing = firstFailing(rule.matchers, episode.labels);
    const matches = failing === undefined;
    const why = !matches ? null : whyNotTaken(rule, taken);
    if (matches && rule.enabled && !rule.continue) taken ??= rule.name;
    return { rule: rule.name, matches, first_failing_matcher: failing?.text ?? null, why };
  });
}

function whyNotTaken(
  rule: { readonly enabled: boolean },
  taken: string | undefined,
): string | null {
  if (!rule.enabled) return 'it is disabled';
  return taken === undefined ? null : `rule ${taken} comes first and does not say continue`;
}

/** Every guard in its order; those that had nothing to say allowed it. */
function guardsOf({ guards, state, reason, detail }: Remediation): readonly object[] {
  const early = EARLY_GUARDS.map(({ word }) => ({ word, asked: guards !== null }));
  const planned = PLAN_GUARDS.map(({ word }) => ({ word, asked: guards?.planned === true }));
  return [...early, ...planned].map(({ word, asked }) => {
    // What came between the guards and the commit, and the breaker before there is a plan, only waits.
    const waits =
      state === 'waiting' && reason === word ? ({ verdict: 'wait', detail } as const) : undefined;
    const said = guards?.values.find(({ guard }) => guard === word) ?? waits;
    return {
      guard: word,
      verdict: said?.verdict ?? (asked ? 'allow' : null),
      detail: said?.detail ?? null,
    };
  });
}
