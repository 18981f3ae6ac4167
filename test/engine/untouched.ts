import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { ServedMetrics } from '../../src/adapters/metrics.ts';
import type { Rig } from './rig.ts';

/** All that a question could have changed, as one value: compare it with itself later. */
export interface Everything {
  /** Every row of every table, by its name: the audit log with its head among them. */
  readonly tables: Readonly<Record<string, readonly unknown[]>>;
  readonly metrics: readonly string[];
  readonly breakers: readonly unknown[];
  readonly acts: readonly string[];
}

const BACKENDS = ['world'];

export async function everythingOf(rig: Rig): Promise<Everything> {
  const { engine, world } = rig;
  return {
    tables: tablesOf(rig.dir),
    metrics: await seriesOf(engine.metrics as ServedMetrics),
    breakers: BACKENDS.map((backend) => [
      engine.breakers.state(backend),
      engine.breakers.openUntil(backend),
    ]),
    acts: [...world.acts],
  };
}

/** From a copy: the store keeps its own file to itself. */
function tablesOf(dir: string): Everything['tables'] {
  const copy = mkdtempSync(join(tmpdir(), 'autoheal-copy-'));
  try {
    cpSync(dir, copy, { recursive: true });
    const db = new Database(join(copy, 'autoheal.db'));
    const names = db.prepare("select name from sqlite_master where type = 'table'").pluck().all();
    const tables = names.map((name) => [
      String(name),
      db.prepare(`select * from "${String(name)}"`).all(),
    ]);
    db.close();
    return Object.fromEntries(tables) as Everything['tables'];
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Of ours; those of the process move by themselves, and reading the page is counted on it. */
async function seriesOf(metrics: ServedMetrics): Promise<readonly string[]> {
  const lines = (await metrics.render()).split('\n');
  return lines.filter(
    (line) => line.startsWith('autoheal_') && !line.startsWith('autoheal_scrape_failures_total'),
  );
}
