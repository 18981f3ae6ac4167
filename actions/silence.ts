import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  ActionError,
  type ActionContext,
  defineAction,
  type Silence,
  type SilenceMatcher,
} from '../src/action.ts';
import type { Json } from '../src/core/json.ts';
import { durationMs, durationText } from '../src/core/rules/param-parts.ts';
import type { Matcher } from '../src/core/rules/matcher.ts';
import { issueOf } from '../src/core/rules/schema-parts.ts';
import {
  canonicalMatchers,
  parseSilencing,
  templateMisplaced,
  withStandIns,
} from '../src/core/rules/silencing.ts';
import { shellWords } from '../src/core/shell-words.ts';
import { isoTime } from '../src/core/time.ts';

const MATCHERS_MAX = 20;
const MATCHER_CHARS_MAX = 2_000;
const FOR_MIN_MS = 60_000;
const FOR_MAX_MS = 24 * 3_600_000;
/** One that ends this much earlier than wanted is as good; a retry must not make a second one. */
const TOLERANCE_MS = 60_000;

const params = z
  .strictObject({
    matchers: z
      .array(z.string().max(MATCHER_CHARS_MAX))
      .min(1)
      .max(MATCHERS_MAX)
      .describe("In Alertmanager's syntax; all must hold."),
    for: durationText(FOR_MIN_MS, FOR_MAX_MS).describe('How long.'),
  })
  .superRefine(({ matchers }, ctx) => {
    const misplaced = matchers.find(templateMisplaced);
    if (misplaced !== undefined) {
      const fix = 'write it like instance="{{ labels.instance }}"';
      const message = `${misplaced}: a template may stand only within the quotes of = or !=`;
      ctx.addIssue({ ...issueOf(message, fix), path: ['matchers'], input: matchers });
      return;
    }
    const parsed = parseSilencing(matchers.map(withStandIns));
    if (!parsed.ok)
      ctx.addIssue({
        ...issueOf(parsed.message, parsed.fix),
        path: ['matchers'],
        input: matchers,
      });
  });
type Params = z.output<typeof params>;

export default defineAction<Params>({
  id: 'silence',
  summary: 'Silence alerts in Alertmanager for a while.',
  backend: 'alertmanager',
  params,
  // It looks for a silence of its own with the same matchers before it makes one.
  safe_to_repeat: true,
  leasable: true,

  rehearse: 'as_is',

  async resolve(given, ctx) {
    const matchers = matchersOf(given);
    // Read now, so that an Alertmanager that does not answer is known before anything is promised.
    await ctx.clients.silences.ours(ctx.signal);
    const canonical = canonicalMatchers(matchers);
    const hash = createHash('sha256').update(canonical.join('\n')).digest('hex').slice(0, 12);
    return [
      {
        id: `silence/${hash}`,
        parents: [],
        name: canonical.join(' '),
        opted_in: true,
        opt_in_hint: 'a silence touches no container and no workload',
        observed: null,
        desired: { matchers: [...canonical] },
        cmd: shellWords(['amtool', 'silence', 'add', ...canonical, `--duration=${given.for}`]),
      },
    ];
  },

  async preview(given, target, ctx) {
    const standing = await standingOf(target.desired, ctx);
    const wanted = ctx.now() + durationMs(given.for);
    const enough = longest(standing, wanted);
    if (enough !== undefined)
      return `join the silence ${enough.id}, until ${isoTime(enough.ends_at)}`;
    return `silence ${target.name} until ${isoTime(wanted)}`;
  },

  async execute(given, target, ctx) {
    const wanted = ctx.now() + durationMs(given.for);
    const enough = longest(await standingOf(target.desired, ctx), wanted);
    if (enough !== undefined)
      return { silence: enough.id, joined: true, ends_at: isoTime(enough.ends_at) };
    const { rule, alertname } = ctx.cause;
    const silence = await ctx.clients.silences.create(
      {
        matchers: matchersOf(given).map(wireOf),
        ends_at: wanted,
        comment: `autoheal: rule ${rule} for ${alertname} (${ctx.idempotency_key})`,
      },
      ctx.signal,
    );
    return { silence, joined: false, ends_at: isoTime(wanted) };
  },

  async verify(_given, target, _evidence, ctx) {
    return (await standingOf(target.desired, ctx)).length > 0 ? 'healthy' : 'failed';
  },

  /** What a person ended before has no silence of ours left, and nothing to undo. */
  async revert(target, undo, ctx) {
    const standing = await standingOf(undo.value, ctx);
    for (const { id } of standing) await ctx.clients.silences.expire(id, ctx.signal);
    const ids = standing.map(({ id }) => id);
    return {
      result: 'reverted',
      cmd: ids.length === 0 ? null : `amtool silence expire ${ids.join(' ')}`,
      evidence: { expired: ids, matchers: target.name },
    };
  },
});

function matchersOf(given: Params): readonly Matcher[] {
  const parsed = parseSilencing(given.matchers);
  if (parsed.ok) return parsed.matchers;
  throw new ActionError('invalid_params', `${parsed.message}; ${parsed.fix}`, { retryable: false });
}

/** Ours with the same matchers that stand now, the one that lasts longest first. */
async function standingOf(desired: Json, ctx: ActionContext): Promise<readonly Silence[]> {
  const { matchers } = (desired ?? {}) as { matchers?: unknown };
  const wanted = JSON.stringify(matchers);
  const ours = await ctx.clients.silences.ours(ctx.signal);
  return ours
    .filter(
      (silence) => JSON.stringify(canonicalMatchers(silence.matchers.map(matcherOf))) === wanted,
    )
    .toSorted((a, b) => b.ends_at - a.ends_at);
}

function longest(standing: readonly Silence[], wanted: number): Silence | undefined {
  const [first] = standing;
  return first !== undefined && first.ends_at >= wanted - TOLERANCE_MS ? first : undefined;
}

function wireOf({ label, op, value }: Matcher): SilenceMatcher {
  return {
    name: label,
    value,
    is_regex: op === '=~' || op === '!~',
    is_equal: op === '=' || op === '=~',
  };
}

function matcherOf(wire: SilenceMatcher): Pick<Matcher, 'label' | 'op' | 'value'> {
  const op = wire.is_regex ? (wire.is_equal ? '=~' : '!~') : wire.is_equal ? '=' : '!=';
  return { label: wire.name, op, value: wire.value };
}
