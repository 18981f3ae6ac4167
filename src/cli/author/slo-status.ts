import type { Command } from 'commander';
import { ActionError } from '../../action.ts';
import { createPrometheus } from '../../adapters/prometheus.ts';
import { formatDuration } from '../../core/duration.ts';
import {
  type ApiSlo,
  type Figure,
  type SloStatus,
  STATUS_QUERY,
  statusOf,
  statusOfApi,
} from '../../core/slo/status.ts';
import { ask, connectionOf, nameOf, print, understood } from '../ask/api-command.ts';
import { fail, misuse } from '../client.ts';
import { type Column, tableText } from '../ask/table.ts';

const PROMETHEUS_TIMEOUT_MS = 10_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const COLUMNS: readonly Column[] = [
  'service',
  'slo',
  'objective',
  'budget left',
  'burn',
  'exhausted in',
  'counted by',
  'data',
].map((title) => ({ title }));

/** `autoheal slo status`: its own SLOs as the service says them, or all that Prometheus recorded. */
export async function showStatus(command: Command): Promise<void> {
  const { prometheus, url } = command.opts<{ prometheus?: string; url?: string }>();
  if (prometheus !== undefined && url !== undefined)
    misuse(nameOf(command), '--prometheus and --url: name one of the two');
  const found =
    prometheus === undefined
      ? await fromService(command)
      : await fromPrometheus(command, prometheus);
  if (connectionOf(command).json) print(`${JSON.stringify({ items: found }, null, 2)}\n`);
  else print(tableText(COLUMNS, found.map(rowOf), false));
}

async function fromService(command: Command): Promise<readonly SloStatus[]> {
  const text = await ask(command, { path: '/api/v1/slo' });
  return understood(command, text, ({ items }: { items: readonly ApiSlo[] }) => statusOfApi(items));
}

async function fromPrometheus(command: Command, url: string): Promise<readonly SloStatus[]> {
  const name = nameOf(command);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    misuse(name, `--prometheus: ${url} is no address: write http://HOST:PORT`);
  const asked = createPrometheus({ url, timeout_ms: PROMETHEUS_TIMEOUT_MS });
  try {
    const samples = await asked.samples(STATUS_QUERY, AbortSignal.timeout(PROMETHEUS_TIMEOUT_MS));
    const found = statusOf(samples);
    if (found.length > 0) return found;
  } catch (error) {
    if (!(error instanceof ActionError)) throw error;
    return fail(name, error.message);
  }
  return fail(
    name,
    `${url} has recorded no SLO: load the rules that \`autoheal slo generate\` writes`,
  );
}

/* ---------------------------------------------------------------- for people */

function rowOf(status: SloStatus): readonly (string | null)[] {
  return [
    status.service,
    status.slo,
    status.objective_pct === null ? null : `${status.objective_pct} %`,
    figures(status.budget_left, (value) => `${(value * 100).toFixed(1)} %`),
    figures(status.burn, (value) => `${value.toFixed(2)}x`),
    exhaustion(status),
    status.source === 'store' ? 'autoheal' : 'prometheus',
    status.covered === null ? null : `${(status.covered * 100).toFixed(1)} %`,
  ];
}

function figures(all: readonly Figure[], text: (value: number) => string): string {
  return all
    .map(({ window, value }) => `${value === null ? 'unknown' : text(value)} (${window})`)
    .join(', ');
}

function exhaustion({ exhausted_in_seconds: seconds, burn, budget_left }: SloStatus): string {
  if (seconds === 0) return 'spent';
  if (seconds !== null) return roundly(seconds * 1_000);
  const known = typeof burn[0]?.value === 'number' && typeof budget_left[0]?.value === 'number';
  return known ? 'never' : 'unknown';
}

/** Two units are enough: `2d4h`, `3h20m`, `12m`. */
function roundly(ms: number): string {
  const unit_ms = ms >= DAY_MS ? HOUR_MS : ms >= HOUR_MS ? MINUTE_MS : 1_000;
  return formatDuration(Math.max(unit_ms, Math.round(ms / unit_ms) * unit_ms));
}
