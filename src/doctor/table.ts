import { plain } from '../cli/plain.ts';
import type { Finding, FindingStatus } from './finding.ts';

const COLOURS: Readonly<Record<FindingStatus, number>> = { ok: 32, warn: 33, fail: 31, skip: 2 };
/** As wide as the longest name of a check. */
const NAME_WIDTH = 13;
const WORD_WIDTH = 4;
/** Where the sentences begin: status, blank, name, blank. */
const INDENT = ' '.repeat(WORD_WIDTH + 2 + NAME_WIDTH + 2);

/** For people: a line a finding, its fix below it, and the count. */
export function tableOf(findings: readonly Finding[], colours: boolean): string {
  const lines = findings.flatMap((finding) => linesOf(finding, colours));
  return `${[...lines, '', countOf(findings)].join('\n')}\n`;
}

function linesOf({ check, status, what, fix }: Finding, colours: boolean): readonly string[] {
  const word = status.padEnd(WORD_WIDTH);
  const shown = colours ? `\u001B[${COLOURS[status]}m${word}\u001B[0m` : word;
  const [first = '', ...more] = plain(what).split('\n');
  return [
    `${shown}  ${check.padEnd(NAME_WIDTH)}  ${first}`,
    ...more.map((line) => `${INDENT}${line}`),
    ...(fix === null ? [] : [`${INDENT}fix: ${plain(fix)}`]),
  ];
}

function countOf(findings: readonly Finding[]): string {
  function count(status: FindingStatus): number {
    return findings.filter((one) => one.status === status).length;
  }
  return `${count('ok')} ok, ${count('warn')} warnings, ${count('fail')} failures, ${count('skip')} skipped`;
}
