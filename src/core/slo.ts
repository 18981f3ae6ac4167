import { z } from 'zod';
import { formatDuration } from './duration.ts';
import { type Problem, sortProblems } from './rules/diagnostic.ts';
import { durationSchema, issueOf, lineSchema } from './rules/schema-parts.ts';
import { parseYaml } from './rules/yaml-parse.ts';
import { problemAt, problemOfFile, type YamlSource } from './rules/yaml-source.ts';
import { zodProblems } from './rules/zod-problems.ts';

/** UTF-16 units of an SLO file. */
export const SLO_CHARS_MAX = 64 * 1024;
const SLOS_MAX = 50;
const BURNS_MAX = 10;
const MIN_BAD_MAX = 1_000_000;
const TEXT_MAX = 500;
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

/** Percentages are whole numbers of 0.0001 %: 99.9 % is 999,000. Decimals in, decimals out, no noise. */
const PCT_DIGITS = 4;
const WHOLE = 1_000_000;
/** Digits of a factor after the point: 28 d make 0.9333. */
const FACTOR_DIGITS = 4;
const FACTOR_UNIT = 10_000;

/** A share in decimal text (`99.9`, `2`) as whole 0.0001 %; undefined when it is none, or not in (0, 100). */
export function parsePercent(text: string): number | undefined {
  const match = /^(\d{1,2})(?:\.(\d{1,4}))?$/.exec(text);
  if (match === null) return undefined;
  const units = Number(match[1]) * FACTOR_UNIT + Number((match[2] ?? '').padEnd(PCT_DIGITS, '0'));
  return units > 0 ? units : undefined;
}

/** `units` of 10^-`digits` as a decimal without trailing zeros: (1000, 6) is `0.001`. */
export function decimal(units: number, digits: number): string {
  const text = String(units).padStart(digits + 1, '0');
  const point = text.length - digits;
  return `${text.slice(0, point)}.${text.slice(point)}`.replace(/\.?0+$/, '');
}

const Percent = z.unknown().transform((value, ctx) => {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  const units = parsePercent(text);
  if (units !== undefined) return units;
  ctx.addIssue(issueOf('is no percentage above 0 and below 100', 'write it like 99.9'));
  return z.NEVER;
});
const Share = z.unknown().transform((value, ctx) => {
  const text = typeof value === 'string' && value.endsWith('%') ? value.slice(0, -1) : '';
  const units = parsePercent(text);
  if (units !== undefined) return units;
  ctx.addIssue(issueOf('is no share of the budget', 'write it like 2%'));
  return z.NEVER;
});
function nameSchema(pattern: RegExp, form: string): z.ZodType<string> {
  return z.string().superRefine((text, ctx) => {
    if (!pattern.test(text)) ctx.addIssue(issueOf(`"${text}" cannot be used here`, `use ${form}`));
  });
}
const Metric = nameSchema(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, 'the name of a metric');
const SloName = nameSchema(/^[a-z][a-z0-9_]{0,62}$/, 'lower case letters, digits and "_"');
const AlertName = nameSchema(
  /^[A-Z][A-Za-z0-9]{0,99}$/,
  'CamelCase, like AutohealFailureRateBurnFast',
);
/** Label matchers without braces; empty, or `a="b",c!~"d"`. */
const Matchers = nameSchema(
  /^(?:[a-zA-Z_]\w*(?:=~|!~|!=|=)"[^"\\]*"(?:,(?!$)|$))*$/,
  'label matchers without braces, like outcome="accepted",le="0.25"',
);

const Window = durationSchema(SECOND_MS, YEAR_MS);
const Burn = z
  .strictObject({
    severity: z.enum(['page', 'ticket']),
    budget: Share,
    long: Window,
    short: Window,
    for: durationSchema(0, YEAR_MS),
  })
  .superRefine(({ long, short }, ctx) => {
    if (short >= long)
      ctx.addIssue({
        ...issueOf('the short window must be shorter than the long one', 'take a twelfth of it'),
        path: ['short'],
      });
  });
const Selector = z.strictObject({ metric: Metric, matchers: Matchers });
const Slo = z
  .strictObject({
    summary: lineSchema(TEXT_MAX),
    objective: Percent,
    fast_alert: AlertName,
    min_bad: z.int().min(1).max(MIN_BAD_MAX),
    heartbeat: z
      .strictObject({ metric: Metric, slice: Window, beat_within: Window, grace: Window })
      .optional(),
    events: z.strictObject({ by_drill: z.boolean(), total: Selector, good: Selector }).optional(),
  })
  .superRefine(({ heartbeat, events }, ctx) => {
    if ((heartbeat === undefined) === (events === undefined))
      ctx.addIssue(issueOf('needs exactly one of heartbeat and events', 'write one of the two'));
  });

/** `prometheus/slos.yaml`; durations in ms, percentages in 0.0001 %. */
export const SloFile = z.strictObject({
  job: nameSchema(/^[\w./-]+$/, 'the name of a scrape job'),
  period: durationSchema(24 * HOUR_MS, YEAR_MS),
  burns: z.strictObject({ fast: Burn, slow: z.array(Burn).min(1).max(BURNS_MAX) }),
  slos: z
    .record(SloName, Slo)
    .refine((slos) => Object.keys(slos).length <= SLOS_MAX, `at most ${SLOS_MAX} SLOs`),
});
export type SloFile = z.output<typeof SloFile>;
export type Burn = z.output<typeof Burn>;
export type Slo = z.output<typeof Slo>;
export type Selector = z.output<typeof Selector>;

/** The SLO file, checked whole: a value only when there is no problem. */
export function parseSlos(
  file: string,
  text: string,
): { readonly slos?: SloFile; readonly problems: readonly Problem[] } {
  if (text.length > SLO_CHARS_MAX)
    return {
      problems: [problemOfFile(file, `is longer than ${SLO_CHARS_MAX} characters`, 'shorten it')],
    };
  const { source, problems } = parseYaml(file, text);
  if (source === undefined || problems.length > 0) return { problems };
  const parsed = SloFile.safeParse(source.value);
  if (!parsed.success)
    return { problems: sortProblems(zodProblems(source, parsed.error.issues, SloFile)) };
  const found = [...checkHeartbeats(source, parsed.data), ...checkBurns(source, parsed.data)];
  return found.length > 0 ? { problems: sortProblems(found) } : { slos: parsed.data, problems: [] };
}

/** Coverage, how much of a window there is data for, is counted in the slices of the one heartbeat. */
function checkHeartbeats(source: YamlSource, { slos }: SloFile): readonly Problem[] {
  const beating = Object.values(slos).filter((slo) => slo.heartbeat !== undefined);
  if (beating.length === 1) return [];
  const message = `${beating.length} SLOs count a heartbeat; the rules need exactly one`;
  return [problemAt(source, ['slos'], message, 'give one SLO a heartbeat, the others events')];
}

/** A burn that no share of bad events can reach would be an alert that never fires. */
function checkBurns(source: YamlSource, file: SloFile): readonly Problem[] {
  const period = `the period of ${formatDuration(file.period)}`;
  const problems: Problem[] = [];
  for (const { burn, path } of burnsOf(file)) {
    if (burn.long >= file.period)
      problems.push(
        problemAt(source, [...path, 'long'], `is not shorter than ${period}`, 'shorten it'),
      );
    const units = factorUnits(burn, file.period);
    for (const [name, slo] of Object.entries(file.slos)) {
      if (units * budgetUnits(slo) < FACTOR_UNIT * WHOLE) continue;
      const least = Math.floor(WHOLE - (FACTOR_UNIT * WHOLE) / units) + 1;
      problems.push(
        problemAt(
          source,
          ['slos', name, 'objective'],
          `${factorOf(burn, file.period)} times its budget is more than everything: the ${burn.severity} of ${formatDuration(burn.long)} can never fire`,
          `write at least ${decimal(least, PCT_DIGITS)}`,
        ),
      );
    }
  }
  return problems;
}

function burnsOf({ burns }: SloFile): readonly { burn: Burn; path: readonly PropertyKey[] }[] {
  return [
    { burn: burns.fast, path: ['burns', 'fast'] },
    ...burns.slow.map((burn, index) => ({ burn, path: ['burns', 'slow', index] })),
  ];
}

/* ---------------------------------------------------------------- arithmetic */

/** In 0.0001 of 1, rounded to the nearest. */
function factorUnits({ budget, long }: Burn, period_ms: number): number {
  const over = BigInt(budget) * BigInt(period_ms) * BigInt(FACTOR_UNIT);
  const under = BigInt(WHOLE) * BigInt(long);
  return Number((2n * over + under) / (2n * under));
}

/** How many times faster than even spending: budget share x period / long window. `14.4`. */
export function factorOf(burn: Burn, period_ms: number): string {
  return decimal(factorUnits(burn, period_ms), FACTOR_DIGITS);
}

function budgetUnits(slo: Pick<Slo, 'objective'>): number {
  return WHOLE - slo.objective;
}

/** The share that may be bad, as a decimal of 1: `0.001` for 99.9 %. */
export function budgetOf(slo: Pick<Slo, 'objective'>): string {
  return decimal(budgetUnits(slo), PCT_DIGITS + 2);
}

/** The objective as written: `99.9`. */
export function objectiveOf(slo: Pick<Slo, 'objective'>): string {
  return decimal(slo.objective, PCT_DIGITS);
}

/** A share of the budget for people: `2%`. */
export function shareOf(burn: Burn): string {
  return `${decimal(burn.budget, PCT_DIGITS)}%`;
}

/**
 * Error ratio / budget: 1 spends it exactly over the period. No events burn nothing.
 * `budget` is a ratio above 0. Rounded to 0.0001, so that 0.1 / 0.005 is 20.
 */
export function burnRate(bad: number, total: number, budget: number): number {
  if (total === 0) return 0;
  return Math.round((bad / total / budget) * FACTOR_UNIT) / FACTOR_UNIT;
}
