/** Pieces of the pages that `npm run docs` makes. */

/** The page's name in docs/reference, its title, and what stands under it. */
export interface Page {
  readonly name: string;
  readonly title: string;
  /** One line for the index. */
  readonly about: string;
  readonly body: readonly string[];
}

const MADE = '<!-- Made by `npm run docs` from the code. Change that, not this. -->';

/** The whole text of a page. */
export function pageText({ title, body }: Pick<Page, 'title' | 'body'>): string {
  return `${[MADE, `# ${title}`, '', ...body].join('\n').trimEnd()}\n`;
}

export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  return [rowOf(heads), `|${heads.map(() => '---|').join('')}`, ...rows.map(rowOf), ''];
}

/** An empty cell is one blank wide. */
function rowOf(cells: readonly string[]): string {
  return `|${cells.map((cell) => (cell === '' ? ' ' : ` ${cell} `)).join('|')}|`;
}

/** Text for a cell or a paragraph: what Markdown would read as its own is escaped, but not within code marks. */
export function prose(text: string): string {
  const parts = text.replaceAll('|', '\\|').split(/(`[^`]+`)/);
  return parts.map((part, at) => (at % 2 === 1 ? part : escaped(part))).join('');
}

function escaped(text: string): string {
  return text.replace(/[<*]/g, (sign) => (sign === '<' ? '&lt;' : `\\${sign}`)).replace(/\n/g, ' ');
}

export function code(text: string): string {
  const marked = text.replaceAll('|', '\\|');
  return marked.includes('`') ? `\`\` ${marked} \`\`` : `\`${marked}\``;
}

/** GitHub's anchor of a heading. */
export function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
