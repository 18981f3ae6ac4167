import type { Board } from './board.ts';
import { DRILLS } from './drills.ts';
import { grafanaJson } from './grafana.ts';
import { dashboardsPage } from './page.ts';
import { REMEDIATIONS } from './remediations.ts';
import { SLO } from './slo.ts';
import { STORE } from './store.ts';

export const BOARDS: readonly Board[] = [SLO, REMEDIATIONS, STORE, DRILLS];

/** Every file that is made, by its path from the project's folder. */
export function dashboardFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...BOARDS.map((board) => [`grafana/dashboards/${board.uid}.json`, grafanaJson(board)] as const),
    ['docs/dashboards.md', dashboardsPage(BOARDS)] as const,
  ]);
}
