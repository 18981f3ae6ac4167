import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesOf, ROOT, textOf } from './tree.ts';

const PAGES = filesOf().filter((path) => path.endsWith('.md'));

describe('the pages', () => {
  test.each(PAGES)('%s links to what is there', (page) => {
    const broken = linksOf(page).filter((link) => !resolves(page, link));
    expect(broken).toEqual([]);
  });
});

/** Relative links and the page's own anchors; code is left out. */
function linksOf(page: string): readonly string[] {
  const prose = textOf(page)
    .replace(/```[^]*?```/g, '')
    .replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^[a-z]+:/.test(link));
}

function resolves(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(ROOT, target))) return false;
  return anchor === undefined || !target.endsWith('.md') || anchorsOf(target).includes(anchor);
}

/** GitHub's anchors of the headings. */
function anchorsOf(page: string): readonly string[] {
  const headings = [...textOf(page).matchAll(/^#+ (.+)$/gm)].map((match) => match[1] ?? '');
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
