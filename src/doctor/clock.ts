import type { Notebook } from './finding.ts';

/** Ages of alerts, leases and tokens are compared across machines; whole seconds are all a Date header has. */
const OFFSET_WARN_MS = 2_000;

export function sayClock(note: Notebook, who: string, offset_ms: number | null): void {
  if (offset_ms === null || Math.abs(offset_ms) <= OFFSET_WARN_MS) return;
  const seconds = (Math.abs(offset_ms) / 1_000).toFixed(1);
  note.warn(
    `the clock of ${who} is ${seconds} s ${offset_ms > 0 ? 'ahead of' : 'behind'} this one`,
    'let both machines keep their time by NTP (timedatectl set-ntp true)',
  );
}
