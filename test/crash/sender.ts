import { setTimeout as sleep } from 'node:timers/promises';
import type { Service } from './service.ts';

/** An alert as its sender knows it: what happens to it happens under its `thing`. */
export interface Sent {
  readonly alertname: string;
  readonly thing: string;
  /** Ms since the epoch. */
  readonly starts_at: number;
}

const RETRY_MS = 30;
const NEVER = '0001-01-01T00:00:00Z';

/** Sends one group until it is accepted, as Alertmanager does. @returns the stored delivery's id. */
export async function send(
  service: Pick<Service, 'api'>,
  status: 'firing' | 'resolved',
  group: readonly Sent[],
  signal: AbortSignal,
): Promise<string> {
  const ended = new Date().toISOString();
  const alerts = group.map(({ alertname, thing, starts_at }) => ({
    status,
    labels: { alertname, thing },
    startsAt: new Date(starts_at).toISOString(),
    endsAt: status === 'firing' ? NEVER : ended,
  }));
  for (;;) {
    signal.throwIfAborted();
    // Nobody there, cut off in the middle, or 503: all mean the same to a sender.
    const answer = await service
      .api('/webhook', { version: '4', status, alerts })
      .catch(() => undefined);
    if (answer?.status === 202) return (answer.body as { delivery: string }).delivery;
    if (answer !== undefined && answer.status < 500)
      throw new Error(`the webhook answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    await sleep(RETRY_MS, undefined, { signal });
  }
}
