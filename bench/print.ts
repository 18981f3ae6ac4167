/** A heading; what is measured and against what. */
export function say(text: string): void {
  process.stdout.write(`\n${text}\n`);
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((name, at) =>
    Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  for (const row of [head, ...rows])
    process.stdout.write(`  ${row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('  ')}\n`);
}
