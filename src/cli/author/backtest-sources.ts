import { createReadStream, existsSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { queryRange } from '../../adapters/prometheus-range.ts';
import { openRecorded } from '../../adapters/store/open-recorded.ts';
import { isoTime } from '../../core/time.ts';
import { createFirings } from '../../rehearsal/backtest/intervals.ts';
import { type LineDelivery, readLines } from '../../rehearsal/backtest/lines.ts';
import type { Range } from './backtest-asked.ts';
import { exported } from '../ask/deliveries.ts';
import { misuse } from '../client.ts';

/** Where a record comes from. */
export interface Source {
  readonly name: string;
  read(): AsyncGenerator<LineDelivery, void, undefined>;
  /** How far it is: bytes of a file; else ms of the record. */
  readonly total: number;
  done(at: number): number;
  readonly label: string;
}
export interface SourceOptions {
  readonly from?: string;
  readonly database?: string;
  readonly prometheus?: string;
  readonly selector?: string;
  readonly step: number;
  readonly repeat: number;
}
const PAGE_ROWS = 500;
const SECOND_MS = 1_000;
/** Of Prometheus's answer: so many looks at once. */
const LOOKS_PER_ANSWER = 120;

/** The one that the options name. Ends the process with 2 when they name two, or nothing that there is. */
export function sourceOf(options: SourceOptions, range: Range, command: Command): Source {
  const { from, database, prometheus } = options;
  const named = Object.entries({ from, database, prometheus }).filter(
    ([, value]) => value !== undefined,
  );
  if (named.length > 1)
    misuse(
      'backtest',
      `--${named.map(([key]) => key).join(' and --')}: a record comes from one place`,
    );
  if (from === '-')
    return { ...bytesOf(0), name: 'stdin', read: () => readLines(process.stdin, 'stdin') };
  if (from !== undefined) return fileSource(from);
  if (database !== undefined) return databaseSource(database, range);
  if (prometheus !== undefined) return prometheusSource(prometheus, options, range);
  return serviceSource(command, range);
}

function bytesOf(total: number): Pick<Source, 'total' | 'done' | 'label'> {
  return { total, done: () => total, label: 'bytes' };
}

function timeOf({ since, until }: Range): Pick<Source, 'total' | 'done' | 'label'> {
  const total = Math.max(1, Math.round((until - since) / SECOND_MS));
  return {
    total,
    done: (at) => Math.max(0, Math.round((at - since) / SECOND_MS)),
    label: 'seconds of the record',
  };
}

function fileSource(path: string): Source {
  if (!existsSync(path)) misuse('backtest', `--from: ${path} does not exist`);
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024 });
  return {
    name: path,
    read: () => readLines(stream, path),
    total: statSync(path).size,
    done: () => stream.bytesRead,
    label: 'bytes',
  };
}

function serviceSource(command: Command, range: Range): Source {
  const query = new URLSearchParams({
    since: isoTime(range.since),
    until: isoTime(range.until),
  });
  const name = 'the running service';
  return { ...timeOf(range), name, read: () => readLines(exported(command, query), name) };
}

function databaseSource(url: string, range: Range): Source {
  if (!url.startsWith('sqlite:'))
    misuse(
      'backtest',
      `--database: ${url.slice(0, 20)} is not read directly; write sqlite:PATH, or ask the service`,
    );
  const path = url.slice('sqlite:'.length);

  async function* read(): AsyncGenerator<LineDelivery, void, undefined> {
    const store = openRecorded(path);
    try {
      for (let after: number | null = 0; after !== null; ) {
        const { deliveries, next } = await store.recorded({ ...range, after, limit: PAGE_ROWS });
        for (const { received_at, source, body } of deliveries)
          yield { at: received_at, source, body };
        after = next;
      }
    } finally {
      store.close();
    }
  }
  return { ...timeOf(range), name: path, read };
}

function prometheusSource(url: string, options: SourceOptions, range: Range): Source {
  const { selector, step: step_ms, repeat: repeat_ms } = options;
  const labels = ['alertstate="firing"', ...(selector === undefined ? [] : [selector])].join(', ');
  const expr = `ALERTS{${labels}}`;

  async function* read(): AsyncGenerator<LineDelivery, void, undefined> {
    const firings = createFirings({ step_ms, repeat_ms });
    const length_ms = step_ms * (LOOKS_PER_ANSWER - 1);
    for (let from = range.since; from < range.until; from += length_ms + step_ms) {
      const to = Math.min(from + length_ms, range.until);
      const series = await queryRange(url, { expr, from, to, step_ms });
      yield* firings.take(series, to);
    }
  }
  return { ...timeOf(range), name: `Prometheus, ${expr}`, read };
}
