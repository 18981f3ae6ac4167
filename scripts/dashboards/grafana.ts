import type { Board, Limit, Panel, Row, Word } from './board.ts';

const COLUMNS = 24;
/** Of the JSON, as Grafana 11 writes it; later ones read it. */
const SCHEMA_VERSION = 39;
const SOURCE = { type: 'prometheus', uid: '${datasource}' };
const TYPES = { stat: 'stat', bars: 'bargauge', lines: 'timeseries' } as const;

/** A dashboard as the JSON of Grafana. Ids and places come from the order alone. */
export function grafanaJson(board: Board): string {
  const made = {
    uid: board.uid,
    title: board.title,
    description: board.summary,
    tags: ['autoheal'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: false,
    graphTooltip: 1,
    timezone: 'utc',
    refresh: '30s',
    time: { from: `now-${board.shows}`, to: 'now' },
    annotations: { list: [chaosAnnotation()] },
    links: [
      {
        type: 'dashboards',
        title: 'autoheal',
        tags: ['autoheal'],
        asDropdown: true,
        keepTime: true,
      },
    ],
    templating: { list: variables() },
    panels: panelsOf(board.rows),
  };
  return `${JSON.stringify(made, null, 2)}\n`;
}

/** Failures on purpose explain many a line. */
function chaosAnnotation(): object {
  return {
    name: 'failures on purpose',
    datasource: SOURCE,
    enable: true,
    iconColor: 'purple',
    expr: 'max(autoheal_chaos_enabled{job="$job"}) == 1',
    titleFormat: 'chaos is on',
  };
}

function variables(): readonly object[] {
  return [
    {
      name: 'datasource',
      label: 'Prometheus',
      type: 'datasource',
      query: 'prometheus',
      current: {},
    },
    {
      name: 'job',
      label: 'job',
      type: 'query',
      datasource: SOURCE,
      query: { query: 'label_values(autoheal_build_info, job)', refId: 'job' },
      refresh: 1,
      current: { text: 'autoheal', value: 'autoheal' },
    },
  ];
}

function panelsOf(rows: readonly Row[]): readonly object[] {
  const made: object[] = [];
  let y = 0;
  for (const row of rows) {
    made.push(rowJson(row, made.length + 1, y));
    y += 1;
    let x = 0;
    for (const panel of row.panels) {
      if (x + panel.width > COLUMNS) {
        x = 0;
        y += row.height;
      }
      const place = { x, y, w: panel.width, h: row.height };
      made.push({ id: made.length + 1, gridPos: place, ...panelJson(panel) });
      x += panel.width;
    }
    y += row.height;
  }
  return made;
}

function rowJson(row: Row, id: number, y: number): object {
  const gridPos = { x: 0, y, w: COLUMNS, h: 1 };
  return { id, type: 'row', title: row.title, collapsed: false, gridPos, panels: [] };
}

function panelJson(panel: Panel): object {
  const now = panel.kind !== 'lines';
  return {
    type: TYPES[panel.kind],
    title: panel.title,
    description: `${panel.answers}\n\n${panel.act}`,
    datasource: SOURCE,
    targets: panel.queries.map(({ expr, legend }, at) => ({
      refId: String.fromCodePoint(65 + at),
      datasource: SOURCE,
      expr,
      legendFormat: legend,
      instant: now,
      range: !now,
    })),
    fieldConfig: { defaults: fieldsOf(panel), overrides: [] },
    options: optionsOf(panel),
  };
}

function fieldsOf(panel: Panel): object {
  const { limits = [], below = 'green', words = {}, max } = panel;
  const steps: { color: string; value: number | null }[] = [
    { color: below, value: null },
    ...limits.map(([value, color]: Limit) => ({ color, value })),
  ];
  const options = Object.fromEntries(
    Object.entries(words).map(([value, [text, color]]: [string, Word]) => [value, { text, color }]),
  );
  return {
    unit: panel.unit,
    noValue: panel.empty ?? 'no data',
    thresholds: { mode: 'absolute', steps },
    mappings: Object.keys(options).length === 0 ? [] : [{ type: 'value', options }],
    ...(max === undefined ? {} : { max }),
    ...(panel.kind === 'lines' ? lineFields(limits) : { color: { mode: 'thresholds' } }),
  };
}

function lineFields(limits: readonly Limit[]): object {
  return {
    min: 0,
    color: { mode: 'palette-classic' },
    custom: {
      lineWidth: 1,
      fillOpacity: 8,
      // A gap stays a gap: nobody knows what was between.
      spanNulls: false,
      thresholdsStyle: { mode: limits.length === 0 ? 'off' : 'dashed' },
    },
  };
}

function optionsOf(panel: Panel): object {
  if (panel.kind === 'lines') {
    return {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    };
  }
  const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false };
  if (panel.kind === 'bars')
    return { reduceOptions, orientation: 'horizontal', displayMode: 'gradient' };
  return { reduceOptions, colorMode: 'background', graphMode: 'none', textMode: 'value_and_name' };
}
