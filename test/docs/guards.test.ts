import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ERRORS } from '../../src/core/errors.ts';
import { GUARD_TEXTS, GUARD_WORDS, type GuardWord } from '../../src/core/healing/guard-words.ts';
import { HARM_KINDS } from '../../src/core/healing/harm.ts';
import { PolicyFile } from '../../src/core/rules/policy-compile.ts';
import { RuleFile } from '../../src/core/rules/rule-schema.ts';
import { loadActions } from '../../src/engine/registry.ts';

const PAGE = readFileSync(new URL('../../docs/guards.md', import.meta.url), 'utf8');

/** Every key of a rule and of the policy, wherever it stands. */
function keys(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const file of [RuleFile, PolicyFile])
    JSON.parse(JSON.stringify(z.toJSONSchema(file, { io: 'input' })), (key, value: unknown) => {
      if (key === 'properties') for (const name of Object.keys(value as object)) found.add(name);
      return value;
    });
  return found;
}

/** Names of metrics: test/adapters/metrics.test.ts looks at those. */
const METRIC = /^autoheal_/;
const ACTIONS = (await loadActions(join(import.meta.dirname, '../../actions'))).keys();
/** Words of the page that are neither a guard's nor a key: fields of the API, states, values. */
const OTHERS = ['starting', 'plan_hash', 'remediation_id', 'approve', 'target'];

test('docs/guards.md uses no word that there is not', () => {
  const known = new Set([
    ...GUARD_WORDS,
    ...keys(),
    ...HARM_KINDS,
    ...ACTIONS,
    ...Object.keys(ERRORS),
    ...OTHERS,
  ]);
  const prose = PAGE.replace(/```[^]*?```/g, '');
  const words = [...prose.matchAll(/`([a-z_]+(?:\.[a-z_]+)*)`/g)].map(([, word = '']) => word);
  const unknown = words
    .filter((word) => !METRIC.test(word))
    .filter((word) => word.split('.').some((part) => !known.has(part)));
  expect(words.length).toBeGreaterThan(20);
  expect(unknown).toEqual([]);
});

/** What the guards answer where their source names a word: `wait('paused', ...)`. */
function answers(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const file of ['guards-early', 'guards-target', 'guards-risk']) {
    const url = new URL(`../../src/core/healing/${file}.ts`, import.meta.url);
    for (const [, call = '', word = ''] of readFileSync(url, 'utf8').matchAll(
      /\b(wait|refuse|refuseLoudly)\(\s*'(\w+)'/g,
    ))
      found.set(word, (found.get(word) ?? new Set()).add(call.replace('Loudly', '')));
  }
  return found;
}

test('the verdicts that the reference shows are those that the guards give', () => {
  const given = [...answers()].map(([word, kinds]) => [word, [...kinds].toSorted()]);
  expect(given.length).toBeGreaterThan(15);
  expect(given).toEqual(
    given.map(([word]) => [word, [...GUARD_TEXTS[word as GuardWord].verdicts].toSorted()]),
  );
});
