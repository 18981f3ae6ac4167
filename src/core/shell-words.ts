/**
 * An argv as one would type it. For people to read only: autoheal never gives it to a shell.
 * At most `limit_chars`.
 */
export function shellWords(argv: readonly string[], limit_chars = 1_000): string {
  const line = argv.map(quoted).join(' ');
  return line.length > limit_chars ? `${line.slice(0, limit_chars - 1)}…` : line;
}

function quoted(word: string): string {
  if (/^[\w.:@/+=,%-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
