import { countsOf, failureLines, type Colours } from './test-report.ts';
import type { FileResult } from './test-run.ts';

const PLAIN: Colours = { good: (text) => text, bad: (text) => text };

/** The results as JUnit XML, which build servers read. */
export function junitOf(results: readonly FileResult[]): string {
  const { passed, failed, wrong } = countsOf(results);
  const head = attributes({
    name: 'autoheal',
    tests: passed + failed + wrong,
    failures: failed,
    errors: wrong,
  });
  const suites = results.map(suiteOf).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${head}>\n${suites}</testsuites>\n`;
}

function suiteOf(result: FileResult): string {
  const { file, problems, tests } = result;
  const { failed, wrong } = countsOf([result]);
  const head = attributes({
    name: file,
    tests: tests.length + wrong,
    failures: failed,
    errors: wrong,
    time: seconds(tests.reduce((sum, test) => sum + test.seconds, 0)),
  });
  const cases =
    problems === ''
      ? tests.map((test) => caseOf(file, test))
      : [caseText({ name: file, classname: file, time: seconds(0) }, 'error', problems)];
  return `  <testsuite${head}>\n${cases.join('')}  </testsuite>\n`;
}

function caseOf(file: string, test: FileResult['tests'][number]): string {
  const about = { name: test.name, classname: file, time: seconds(test.seconds) };
  if (test.passed) return `    <testcase${attributes(about)}/>\n`;
  return caseText(about, 'failure', failureLines(test, PLAIN).join('\n'));
}

function caseText(
  about: Readonly<Record<string, string>>,
  tag: 'failure' | 'error',
  text: string,
): string {
  const [first = ''] = text.split('\n');
  const body = `<${tag}${attributes({ message: first })}>${escaped(text)}</${tag}>`;
  return `    <testcase${attributes(about)}>${body}</testcase>\n`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value)).replaceAll('\n', '&#10;')}"`)
    .join('');
}

function seconds(value: number): string {
  return value.toFixed(3);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** XML 1.0 has no place for most control characters, not even escaped: they become U+FFFD. */
function escaped(text: string): string {
  return (
    text
      .toWellFormed()
      // oxlint-disable-next-line no-control-regex
      .replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '\uFFFD')
      .replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char)
      .replaceAll('\r', '&#13;')
  );
}
