/**
 * A reader of RFC 4180, apart from the writer. A cell without quotes and without characters is null.
 * @throws Error where the text is not CSV.
 */
export function parseCsv(text: string): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let row: (string | null)[] = [];
  let at = 0;
  while (at < text.length) {
    const match = /"((?:[^"]|"")*)"(,|\r\n)|([^",\r\n]*)(,|\r\n)/y;
    match.lastIndex = at;
    const found = match.exec(text);
    if (found === null) throw new Error(`not CSV from here: ${text.slice(at, at + 60)}`);
    const [all, quoted, quoted_end, plain, plain_end] = found;
    row.push(quoted === undefined ? plain || null : quoted.replaceAll('""', '"'));
    if ((quoted_end ?? plain_end) === '\r\n') {
      rows.push(row);
      row = [];
    }
    at += all.length;
  }
  if (row.length > 0) throw new Error('the last line has no end');
  return rows;
}
