import type { Board } from './board.ts';

const MADE =
  '<!-- Made by `npm run dashboards` from scripts/dashboards/. Change that, not this. -->';
const INTRO = `# Dashboards

Four pages of Grafana for the person with the pager. In the [local stack](stack.md):

\`\`\`sh
docker compose --profile dashboards up -d --build --wait
\`\`\`

Then <http://127.0.0.1:3000>: no password, and nothing can be changed there. Elsewhere: import the files of
\`grafana/dashboards/\`, or provision the folder as [grafana/provisioning](../grafana/provisioning) does; choose your Prometheus in
the variable \`Prometheus\`, and the name of the scrape job in \`job\`. They need the rules of \`prometheus/rules/\`.

**Woken up?** Begin with [SLO and burn](#autoheal-slo-and-burn): it says whether autoheal is what is ill. If it is not,
[remediations](#autoheal-remediations) says what it did about your alert and why not more. The
[runbook](runbooks/README.md) of the alert comes first in any case: its link is in the alert.

- Purple marks are times in which failures were injected on purpose.
- A panel that has nothing to show says so in words; none shows NaN.
- The three words of a query that Grafana fills in: \`$job\` the scrape job, \`$__range\` the time shown, \`$__rate_interval\` at least
  four scrapes.
- Why a rule ended as it did is asked of the audit log: \`autoheal audit --rule NAME\`.`;

/** docs/dashboards.md: panel by panel, what it answers and what to do. */
export function dashboardsPage(boards: readonly Board[]): string {
  return `${[MADE, INTRO, ...boards.map(boardText)].join('\n\n').replace(`${MADE}\n\n`, `${MADE}\n`)}\n`;
}

function boardText({ title, summary, uid, rows }: Board): string {
  const tables = rows.map((row) =>
    [
      `### ${row.title}`,
      '',
      '| panel | what it answers | what to do |',
      '|---|---|---|',
      ...row.panels.map(({ title: name, answers, act }) =>
        linked(`| ${name} | ${answers} | ${act} |`),
      ),
    ].join('\n'),
  );
  return [`## ${title}`, `${summary} \`/d/${uid}\``, ...tables].join('\n\n');
}

/** Grafana shows the path of a page as text; here it is a link. */
function linked(row: string): string {
  return row.replaceAll(/docs\/((?:runbooks\/)?[\w-]+\.md)/g, '[$1]($1)');
}
