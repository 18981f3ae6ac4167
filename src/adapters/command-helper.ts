import type { CommandResult } from '../action.ts';
import { type Group, type Job, startGroup } from './command-group.ts';

/**
 * A small process that starts programs for the service: starting one copies the address space of
 * whoever starts it, which holds up a big process for milliseconds. commands.ts runs this file.
 */

export type Order =
  | { readonly kind: 'run'; readonly id: number; readonly job: Job }
  | { readonly kind: 'stop'; readonly id: number };
export type News =
  | { readonly kind: 'started'; readonly id: number; readonly pid: number }
  | { readonly kind: 'ended'; readonly id: number; readonly result: CommandResult }
  /** It could not be started: the system's code. */
  | { readonly kind: 'failed'; readonly id: number; readonly code: string };

const groups = new Map<number, Group>();

function tell(news: News): void {
  // The service may have gone meanwhile; then `disconnect` ends this process.
  process.send?.(news, undefined, undefined, () => undefined);
}

async function run(id: number, job: Job): Promise<void> {
  try {
    const group = startGroup(job);
    groups.set(id, group);
    if (group.pid !== undefined) tell({ kind: 'started', id, pid: group.pid });
    tell({ kind: 'ended', id, result: await group.ended });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    tell({ kind: 'failed', id, code: code ?? 'unknown' });
  }
  groups.delete(id);
}

process.on('message', (order: Order) => {
  if (order.kind === 'run') void run(order.id, order.job);
  else void groups.get(order.id)?.stop();
});
// The service has gone, in whatever way: nothing it began may go on without it.
process.on('disconnect', () => {
  void Promise.all([...groups.values()].map((group) => group.stop())).then(() => process.exit(0));
});
// A signal to all of the service is the service's to answer: it may still have to undo something.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
