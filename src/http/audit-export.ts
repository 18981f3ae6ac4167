import { setImmediate as nextTurn } from 'node:timers/promises';
import { CSV_HEADER, csvLine } from '../core/audit/csv.ts';
import type { AuditRecord } from '../core/audit/audit.ts';
import { isoTime } from '../core/time.ts';
import type { AuditQuery } from '../store.ts';
import type { Answer, Call } from './route.ts';
import type { Texts } from './streams.ts';
import { auditView } from './views.ts';

export const AUDIT_FORMATS = ['json', 'csv', 'ndjson'] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];
type ExportFormat = Exclude<AuditFormat, 'json'>;

export const MEDIA_TYPES: Readonly<Record<AuditFormat, string>> = {
  json: 'application/json',
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
};

/** What an Accept header wants most of what we have; JSON where it wants none of it or anything. */
export function acceptedFormat(accept: string | undefined): AuditFormat {
  let best: { readonly format: AuditFormat; readonly q: number } = { format: 'json', q: 0 };
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const format = AUDIT_FORMATS.find((one) => MEDIA_TYPES[one] === type || type === '*/*');
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const q = weight === undefined ? 1 : Number(weight.slice(2));
    if (format !== undefined && q > best.q) best = { format, q };
  }
  return best.format;
}

const FORMS: Readonly<
  Record<ExportFormat, { readonly head: string; readonly line: (entry: AuditRecord) => string }>
> = {
  csv: { head: CSV_HEADER, line: csvLine },
  ndjson: { head: '', line: (entry) => `${JSON.stringify(auditView(entry))}\n` },
};

/**
 * Everything that fits, page by page at the reader's pace. In ascending order it ends where the log
 * ended when it began, so that it does end while others write.
 * @param asked without `limit`; `total` bounds the lines.
 */
export async function exportAudit(
  { deps, streams, request_id }: Pick<Call<object, undefined>, 'deps' | 'streams' | 'request_id'>,
  asked: Omit<AuditQuery, 'limit'>,
  form: { readonly format: ExportFormat; readonly total: number },
): Promise<Answer> {
  const { store, limits, clock } = deps;
  const stream = await streams.open('export', request_id, async (gone) => {
    const end = asked.order === 'asc' ? await streams.watch.head() : Number.POSITIVE_INFINITY;
    const first = await pageFrom(asked.cursor, form.total);
    return lines(first, end, gone);
  });
  const stamp = isoTime(clock.now()).replaceAll(/[-:]|\.\d+/g, '');
  const { format } = form;
  return {
    status: 200,
    stream,
    headers: {
      'content-type': `${MEDIA_TYPES[format]}; charset=utf-8`,
      'content-disposition': `attachment; filename="autoheal-audit-${stamp}.${format}"`,
      vary: 'accept',
    },
  };

  function pageFrom(cursor: string | undefined, left: number) {
    const limit = Math.min(limits.export_page_rows, left);
    return store.audit({ ...asked, limit, ...(cursor !== undefined && { cursor }) });
  }

  async function* lines(
    first: Awaited<ReturnType<typeof pageFrom>>,
    end: number,
    gone: AbortSignal,
  ): Texts {
    const { head, line } = FORMS[format];
    if (head !== '') yield head;
    let left = form.total;
    for (let page = first; ; ) {
      const items = page.items.filter(({ seq }) => seq <= end);
      if (items.length > 0) yield items.map(line).join('');
      left -= items.length;
      if (page.next_cursor === null || left === 0 || items.length < page.items.length) return;
      // Others get their turn, also when this reader is faster than the store.
      await nextTurn();
      gone.throwIfAborted();
      page = await pageFrom(page.next_cursor, left);
    }
  }
}
