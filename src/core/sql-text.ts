/** Characters that are looked at: PostgreSQL itself keeps 1,024 bytes of a query. */
const READ_CHARS_MAX = 10_000;

/** In the order of their trial at one place. What is cut off in the middle goes to the end. */
const LITERAL = new RegExp(
  [
    String.raw`(?<comment>--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))`,
    String.raw`(?<identifier>"(?:[^"]|"")*"?)`,
    String.raw`(?<escaped>\b[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|\\?$))`,
    String.raw`(?<text>(?:\b(?:[nNbBxX]|[uU]&))?'(?:[^']|'')*(?:'|$))`,
    String.raw`(?<dollar>\$(?<tag>[A-Za-z_]*)\$[\s\S]*?(?:\$\k<tag>\$|$))`,
    String.raw`(?<parameter>\$\d+)`,
    String.raw`(?<word>[\p{L}_][\p{L}\p{N}_$]*)`,
    String.raw`(?<number>\d[\w.]*(?:[eE][+-]?\d+)?|\.\d+)`,
  ].join('|'),
  'gu',
);

/**
 * A query with its numbers and texts as `?` and without comments, on one line: what it does stays
 * readable, whom it is about does not. At most `limit_chars`.
 */
export function withoutLiterals(query: string, limit_chars: number): string {
  const text = query.slice(0, READ_CHARS_MAX).replace(LITERAL, (found: string, ...rest) => {
    const groups = rest.at(-1) as Readonly<Record<string, string | undefined>>;
    if (groups['comment'] !== undefined) return ' ';
    const kept = groups['identifier'] ?? groups['parameter'] ?? groups['word'];
    return kept === undefined ? '?' : found;
  });
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > limit_chars ? `${line.slice(0, limit_chars - 1)}…` : line;
}
