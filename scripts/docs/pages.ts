import { actionsPage } from './actions.ts';
import { cliPage } from './cli.ts';
import { configurationPage } from './configuration.ts';
import { errorsPage } from './errors.ts';
import { policyPage, rulesPage } from './files.ts';
import { guardsPage } from './guards.ts';
import { code, type Page, pageText, table } from './markdown.ts';
import { metricsPage } from './metrics.ts';

/** The reference, from the code in `root`: each page's path below it, and its text. */
export async function referencePages(root: string): Promise<ReadonlyMap<string, string>> {
  const pages = [
    rulesPage(),
    policyPage(),
    await actionsPage(root),
    guardsPage(),
    await metricsPage(root),
    errorsPage(),
    configurationPage(),
    cliPage(),
  ];
  const texts = [indexPage(pages), ...pages].map(
    (page) => [`docs/reference/${page.name}.md`, pageText(page)] as const,
  );
  return new Map(texts);
}

function indexPage(pages: readonly Page[]): Page {
  const rows = pages.map(({ name, about }) => [`[${name}](${name}.md)`, about]);
  return {
    name: 'README',
    title: 'Reference',
    about: '',
    body: [
      'What there is, made from the code; a test fails where a page is behind it. The pages one folder up say why and how.',
      '',
      ...table(['page', 'has'], rows),
      `${code('npm run docs')} makes them anew. The routes of the API are in \`GET /openapi.json\` and [api.md](../api.md).`,
    ],
  };
}
