import { parentPort, workerData } from 'node:worker_threads';
import type { RuleText } from '../../core/rules/rule-compile.ts';
import type { ServiceMode } from '../../engine/api.ts';
import { openLane } from '../../rehearsal/backtest/lane.ts';
import type { Tally } from '../../rehearsal/backtest/tally.ts';
import type { WorldSpec } from '../../rehearsal/world-spec.ts';
import { rehearsalParts } from './rehearsal-parts.ts';

/** A thread that plays a record to one rule set. */

export interface LanePlan {
  readonly rules: readonly RuleText[];
  readonly policy: RuleText | null;
  readonly mode: ServiceMode;
  readonly world: WorldSpec;
}
interface LaneRow {
  readonly at: number;
  readonly source: string;
  /** Where its body is. */
  readonly from: number;
  readonly to: number;
}
export type LaneOrder =
  | { readonly kind: 'batch'; readonly rows: readonly LaneRow[]; readonly bytes: ArrayBuffer }
  | { readonly kind: 'finish' };
export type LaneNews =
  | { readonly kind: 'taken' }
  | { readonly kind: 'done'; readonly tally: Tally }
  | { readonly kind: 'failed'; readonly message: string };

const port = parentPort;
if (port === null) throw new Error('this file is a thread of `autoheal backtest`');

function tell(news: LaneNews): void {
  port?.postMessage(news);
}

const lane = openLane({ ...(await rehearsalParts()), ...(workerData as LanePlan) });

async function obey(order: LaneOrder): Promise<void> {
  if (order.kind === 'finish') {
    tell({ kind: 'done', tally: await lane.finish() });
    port?.close();
    return;
  }
  for (const { at, source, from, to } of order.rows)
    await lane.take({ at, source, body: new Uint8Array(order.bytes, from, to - from) });
  tell({ kind: 'taken' });
}

/** One after the other, in the order of their arrival. */
let last = Promise.resolve();
port.on('message', (order: LaneOrder) => {
  last = last
    .then(() => obey(order))
    .catch((error: unknown) => {
      tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
      port.close();
    });
});
