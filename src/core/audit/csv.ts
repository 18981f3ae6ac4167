import { isoTime } from '../time.ts';
import type { AuditRecord } from './audit.ts';

/** Columns of the CSV, in the order of the JSON answer. */
export const CSV_FIELDS = [
  'seq',
  'id',
  'ts',
  'kind',
  'alertname',
  'fingerprint',
  'episode',
  'rule',
  'remediation',
  'step',
  'attempt',
  'action',
  'target',
  'cmd',
  'result',
  'reason',
  'rc',
  'duration_ms',
  'chaos',
  'drill',
  'dry_run',
  'actor',
  'trace_id',
  'detail',
  'prev_hash',
  'hash',
] as const satisfies readonly (keyof AuditRecord)[];

/** RFC 4180 ends each line so, the last one too. */
const END = '\r\n';
export const CSV_HEADER = CSV_FIELDS.join(',') + END;

/**
 * What a spreadsheet takes for a formula, in both widths of the characters. An apostrophe counts too,
 * so that to cut one leading apostrophe off always gives back what was recorded.
 */
const FORMULA = /^[=+\-@\t\r\n'＝＋－＠]/;
const QUOTED = /[",\r\n]/;

/** One line. A cell without a value is empty, an empty text is `""`; `detail` is its JSON text. */
export function csvLine(record: AuditRecord): string {
  return CSV_FIELDS.map((field) => cellOf(record, field)).join(',') + END;
}

function cellOf(record: AuditRecord, field: (typeof CSV_FIELDS)[number]): string {
  if (field === 'ts') return isoTime(record.ts);
  const value = record[field];
  if (value === null) return '';
  if (typeof value === 'string') return textCell(value);
  // Numbers are ours, so a negative exit code stays a number.
  return typeof value === 'object' ? textCell(JSON.stringify(value)) : String(value);
}

function textCell(text: string): string {
  if (text === '') return '""';
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return QUOTED.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
