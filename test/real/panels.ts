import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../../grafana/dashboards');

/** A query of a panel as Grafana would send it. */
export interface PanelQuery {
  readonly dashboard: string;
  readonly panel: string;
  /** Variables filled in. */
  readonly expr: string;
}
interface Dashboard {
  readonly title: string;
  readonly annotations: {
    readonly list: readonly { readonly name: string; readonly expr: string }[];
  };
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

/** Every query of every dashboard and its marks. @throws when a variable is left that nobody fills. */
export function panelQueries(variables: Readonly<Record<string, string>>): readonly PanelQuery[] {
  return readdirSync(FOLDER).flatMap((name) => {
    const { title, panels, annotations } = JSON.parse(
      readFileSync(join(FOLDER, name), 'utf8'),
    ) as Dashboard;
    const asked = [
      ...panels.flatMap((panel) =>
        (panel.targets ?? []).map(({ expr }) => ({ panel: panel.title, expr })),
      ),
      ...annotations.list.map((mark) => ({ panel: mark.name, expr: mark.expr })),
    ];
    return asked.map(({ panel, expr }) => ({ dashboard: title, panel, expr: fill(expr) }));
  });

  function fill(expr: string): string {
    let text = expr;
    for (const [name, value] of Object.entries(variables))
      text = text.replaceAll(`$${name}`, value);
    if (text.includes('$')) throw new Error(`a variable is not filled in: ${text}`);
    return text;
  }
}

/** What Prometheus answered. */
export interface Answer {
  readonly error?: string;
  /** Values now, and over the last minute. */
  readonly now: number;
  readonly over_time: number;
  /** Values that are no number. */
  readonly not_a_number: number;
}

/** Asks as stat and bars do, and as lines do. */
export async function ask(url: string, expr: string): Promise<Answer> {
  const end = Math.floor(Date.now() / 1_000);
  const range = { start: `${end - 60}`, end: `${end}`, step: '2' };
  const [now, over_time] = await Promise.all([
    values(`${url}/api/v1/query`, { query: expr }),
    values(`${url}/api/v1/query_range`, { query: expr, ...range }),
  ]);
  const error = now.error ?? over_time.error;
  const all = [...now.values, ...over_time.values];
  return {
    ...(error === undefined ? {} : { error }),
    now: now.values.length,
    over_time: over_time.values.length,
    not_a_number: all.filter((value) => !Number.isFinite(Number(value))).length,
  };
}

interface Found {
  readonly error?: string;
  readonly values: readonly string[];
}
type Pair = readonly [number, string];

async function values(url: string, form: Readonly<Record<string, string>>): Promise<Found> {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form) });
  const body = (await answer.json()) as {
    readonly error?: string;
    readonly data?: { readonly result: readonly { value?: Pair; values?: readonly Pair[] }[] };
  };
  if (body.data === undefined) return { error: body.error ?? `${answer.status}`, values: [] };
  const pairs = body.data.result.flatMap(({ value, values: many = [] }) =>
    value === undefined ? many : [value],
  );
  return { values: pairs.map(([, value]) => value) };
}
