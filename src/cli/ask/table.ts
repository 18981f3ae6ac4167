import { displayWidth } from '../../core/rules/display-width.ts';
import { oneLine } from '../plain.ts';

export interface Column {
  readonly title: string;
  /** At least so many columns of the terminal, for rows that are shown before the next one is known. */
  readonly min?: number;
}
/** A cell; null shows as a dash. */
type Cell = string | number | boolean | null;

const BOLD = 1;
const GREEN = 32;
const YELLOW = 33;
const RED = 31;
/** Words that tell good from bad at a glance; a cell is coloured when it begins with one. */
const TONES: Readonly<Record<string, number>> = {
  healed: GREEN,
  action_ok: GREEN,
  verify_ok: GREEN,
  revert_ok: GREEN,
  open: YELLOW,
  waiting: YELLOW,
  quarantine: YELLOW,
  decision_wait: YELLOW,
  approval_requested: YELLOW,
  escalated: RED,
  failed: RED,
  action_fail: RED,
  verify_fail: RED,
  revert_fail: RED,
};
const GAP = '  ';

/** For people: a line of titles and a line a row, nothing cut off, nothing that steers a terminal. */
export function tableText(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  colours: boolean,
): string {
  const titles = columns.map(({ title }) => title.toUpperCase());
  const cells = rows.map((row) => row.map(textOf));
  const widths = columns.map(({ min = 0 }, at) =>
    Math.max(min, ...[titles, ...cells].map((row) => displayWidth(row[at] ?? ''))),
  );
  const lines = [
    paint(rowText(titles, widths, false), colours ? BOLD : undefined),
    ...cells.map((row) => rowText(row, widths, colours)),
  ];
  return `${lines.join('\n')}\n`;
}

/** A row without titles, as wide as the columns want at least. */
export function rowLine(
  columns: readonly Column[],
  row: readonly Cell[],
  colours: boolean,
): string {
  const widths = columns.map(({ min = 0 }) => min);
  return `${rowText(row.map(textOf), widths, colours)}\n`;
}

function rowText(cells: readonly string[], widths: readonly number[], colours: boolean): string {
  const padded = cells.map((cell, at) => {
    const last = at === cells.length - 1;
    const blanks = last ? 0 : Math.max(0, (widths[at] ?? 0) - displayWidth(cell));
    const tone = colours ? TONES[cell.split(' ', 1)[0] ?? ''] : undefined;
    return `${paint(cell, tone)}${' '.repeat(blanks)}`;
  });
  return padded.join(GAP).trimEnd();
}

function textOf(cell: Cell): string {
  return cell === null || cell === '' ? '-' : oneLine(String(cell));
}

function paint(text: string, code: number | undefined): string {
  return code === undefined ? text : `\u001B[${code}m${text}\u001B[0m`;
}
