import { parseDuration } from '../duration.ts';
import { SLO_WINDOWS } from '../slo-table.ts';

/** A figure over a window; null: nobody can honestly give it. */
export interface Figure {
  readonly window: string;
  readonly value: number | null;
}
/** How an SLO stands. */
export interface SloStatus {
  readonly service: string;
  readonly slo: string;
  readonly objective_pct: number | null;
  /** Shares of 1 that are left, the SLO's own time window first; negative when overspent. */
  readonly budget_left: readonly Figure[];
  /** Times faster than even spending, the shortest window first. */
  readonly burn: readonly Figure[];
  /** When the budget is spent, should the burn of the shortest window go on, s; 0: spent; null: never, or not known. */
  readonly exhausted_in_seconds: number | null;
  /** Whose word it is: Prometheus's, or what the service counted itself. */
  readonly source: 'prometheus' | 'store';
  /** The share of the error budget's window that the service has data for; null: it did not say. */
  readonly covered: number | null;
}

/** A sample of Prometheus: labels with `__name__`, and its value. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Asks Prometheus for all that `statusOf` reads, of autoheal itself and of other services. */
export const STATUS_QUERY =
  '{__name__=~"autoheal:burn_fast|autoheal:burn_slow|service:slo_burn_rate:ratio.+|(autoheal|service):slo_(budget_remaining:ratio.+|error_budget:ratio)"}';
const NAME =
  /^(?:autoheal|service):(?:(burn_fast|burn_slow)|slo_burn_rate:ratio(\w+)|slo_budget_remaining:ratio(\w+)|(slo_error_budget:ratio))$/;
const PERCENT_UNIT = 10_000;

interface Draft {
  readonly service: string;
  readonly slo: string;
  objective_pct: number | null;
  readonly budget_left: Figure[];
  readonly burn: Figure[];
}

/** Every SLO that Prometheus recorded something of; drills are left out. */
export function statusOf(samples: readonly Sample[]): readonly SloStatus[] {
  const drafts = new Map<string, Draft>();
  for (const { labels, value } of samples) {
    const found = NAME.exec(labels['__name__'] ?? '');
    const { slo, service = 'autoheal', drill } = labels;
    if (found === null || slo === undefined || drill === 'true') continue;
    const key = `${service}/${slo}`;
    const draft: Draft = drafts.get(key) ?? {
      service,
      slo,
      objective_pct: null,
      budget_left: [],
      burn: [],
    };
    drafts.set(key, draft);
    put(draft, found, value);
  }
  return [...drafts.values()]
    .toSorted((a, b) => compare(a.service, b.service) || compare(a.slo, b.slo))
    .map(finish);
}

function put(draft: Draft, found: RegExpExecArray, value: number): void {
  const [, own, burn, budget] = found;
  if (own !== undefined)
    draft.burn.push({ window: SLO_WINDOWS[own as 'burn_fast' | 'burn_slow'].text, value });
  else if (burn !== undefined) draft.burn.push({ window: burn, value });
  else if (budget !== undefined) draft.budget_left.push({ window: budget, value });
  else draft.objective_pct = Math.round((1 - value) * 100 * PERCENT_UNIT) / PERCENT_UNIT;
}

function finish(draft: Draft): SloStatus {
  const budget_left = draft.budget_left.toSorted(byWindow);
  const burn = draft.burn.toSorted(byWindow);
  return {
    ...draft,
    budget_left,
    burn,
    exhausted_in_seconds: exhaustedIn(budget_left, burn),
    source: 'prometheus',
    covered: null,
  };
}

function byWindow(a: Figure, b: Figure): number {
  return (parseDuration(a.window) ?? 0) - (parseDuration(b.window) ?? 0);
}

/** One of the answer of `GET /api/v1/slo`. */
export interface ApiSlo {
  readonly slo: string;
  readonly objective_pct: number;
  readonly burn_fast: Figure;
  readonly burn_slow: Figure;
  readonly budget_left: Figure & { readonly source: SloStatus['source'] };
  readonly windows: readonly { readonly window: string; readonly covered: number }[];
}

/** The same from what autoheal's API says of itself. */
export function statusOfApi(items: readonly ApiSlo[]): readonly SloStatus[] {
  return items.map(({ slo, objective_pct, burn_fast, burn_slow, budget_left, windows }) => {
    const burn = [burn_fast, burn_slow].map(({ window, value }) => ({ window, value }));
    const left = [{ window: budget_left.window, value: budget_left.value }];
    return {
      service: 'autoheal',
      slo,
      objective_pct,
      budget_left: left,
      burn,
      exhausted_in_seconds: exhaustedIn(left, burn),
      source: budget_left.source,
      covered: windows.find(({ window }) => window === budget_left.window)?.covered ?? null,
    };
  });
}

/**
 * Budget left x time window / burn, s. A burn of 1 spends the whole budget in one time window, so what is left
 * lasts its share of it. What leaves the rolling window meanwhile is not counted: the true time is longer.
 */
export function exhaustedIn(
  budget_left: readonly Figure[],
  burn: readonly Figure[],
): number | null {
  const [own] = budget_left;
  const rate = burn[0]?.value ?? null;
  if (own === undefined || own.value === null) return null;
  if (own.value <= 0) return 0;
  const window_ms = parseDuration(own.window);
  if (rate === null || rate <= 0 || window_ms === undefined) return null;
  return Math.round((own.value * window_ms) / rate / 1_000);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
