import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { commandsOf, nameOf } from '../../scripts/docs/cli.ts';
import { metricsIn, rulesIn } from '../../scripts/docs/metrics.ts';
import { referencePages } from '../../scripts/docs/pages.ts';
import { recordedIn } from '../../scripts/docs/recorded.ts';
import { keyTable, schemaOf, sections } from '../../scripts/docs/schema.ts';
import { createProgram } from '../../src/cli/program.ts';
import { fileVariable, VARIABLE_NAMES } from '../../src/config-variables.ts';
import { ACTION_FAILURES, ERRORS } from '../../src/core/errors.ts';
import { GUARD_WORDS } from '../../src/core/healing/guard-words.ts';
import { PolicyFile } from '../../src/core/rules/policy-compile.ts';
import { RuleFile } from '../../src/core/rules/rule-schema.ts';
import { knownKeys } from '../../src/core/rules/zod-problems.ts';
import { loadActions } from '../../src/engine/registry.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGES = await referencePages(ROOT);
const ACTIONS = await loadActions(join(ROOT, 'actions'));

function pageOf(name: string): string {
  return PAGES.get(`docs/reference/${name}.md`) ?? '';
}

/** The first column of the tables of a text, where it is one word in code marks. */
function firstColumn(text: string): readonly string[] {
  return [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, word = '']) => word);
}

/** What stands under a heading, up to the next one. */
function under(text: string, heading: string): string {
  return text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
}

describe('docs/reference', () => {
  test('has the pages that are made, and no other', () => {
    const there = readdirSync(join(ROOT, 'docs/reference')).map((name) => `docs/reference/${name}`);
    expect(there.toSorted()).toEqual([...PAGES.keys()].toSorted());
  });

  test.each([...PAGES.keys()])('%s is what the code says (else: run npm run docs)', (path) => {
    expect(readFileSync(join(ROOT, path), 'utf8')).toBe(PAGES.get(path));
  });

  test('is the same whatever the environment', async () => {
    const before = process.env['AUTOHEAL_URL'];
    process.env['AUTOHEAL_URL'] = 'http://elsewhere.example.com:1';
    try {
      expect(await referencePages(ROOT)).toEqual(PAGES);
      expect(process.env['AUTOHEAL_URL']).toBe('http://elsewhere.example.com:1');
    } finally {
      if (before === undefined) delete process.env['AUTOHEAL_URL'];
      else process.env['AUTOHEAL_URL'] = before;
    }
  });

  test('has no cell that begins or ends a code mark and leaves it open', () => {
    const rows = [...PAGES.values()].flatMap((text) => text.match(/^\|.*$/gm) ?? []);
    expect(rows.filter((row) => (row.match(/`/g)?.length ?? 0) % 2 === 1)).toEqual([]);
  });
});

describe('each page lists exactly what there is', () => {
  test.each([
    ['steps[]', ['steps', 0]],
    ['steps[].verify', ['steps', 0, 'verify']],
    ['steps[].verify.http', ['steps', 0, 'verify', 'http']],
    ['when[]', ['when', 0]],
    ['guard', ['guard']],
    ['guard.approval', ['guard', 'approval']],
  ])('keys of a rule: %s', (heading, path) => {
    expect(firstColumn(under(pageOf('rules'), `\`${heading}\``))).toEqual(
      knownKeys(RuleFile, path),
    );
  });

  test('keys of the policy, those that are refused too', () => {
    const [top = ''] = pageOf('policy').split(/^## /m);
    expect(firstColumn(top)).toEqual(Object.keys(PolicyFile.shape));
    const refused = [...top.matchAll(/^\| `(\w+)` \| nothing \|/gm)].map(([, key = '']) => key);
    const known = knownKeys(PolicyFile, []);
    expect(refused).toEqual(firstColumn(top).filter((key) => !known.includes(key)));
    expect(refused.length).toBeGreaterThan(0);
  });

  test.each([...ACTIONS.values()].map((action) => [action.id, action] as const))(
    'parameters of %s',
    (id, { params }) => {
      const { properties = {} } = z.toJSONSchema(params, { io: 'input' });
      const [, table = ''] = under(pageOf('actions'), `\`${id}\``).split('| key |');
      expect(firstColumn(table)).toEqual(Object.keys(properties));
    },
  );

  test('actions, and the words that they fail with', () => {
    const headings = [...pageOf('actions').matchAll(/^## `(\w+)`$/gm)].map(([, id]) => id);
    expect(headings).toEqual([...ACTIONS.keys()]);
    const words = firstColumn(under(pageOf('actions'), 'Words of failures'));
    expect(words).toEqual(Object.keys(ACTION_FAILURES));
  });

  test('guards, in the order they run', () => {
    expect(firstColumn(pageOf('guards'))).toEqual([...GUARD_WORDS]);
  });

  test('codes of errors', () => {
    expect(firstColumn(pageOf('errors'))).toEqual(Object.keys(ERRORS));
  });

  test('environment variables, with those that name a file', () => {
    const named = [...pageOf('configuration').matchAll(/^\| `(\w+)`(?:<br>`(\w+)`)? \|/gm)];
    expect(named.map(([, name, file]) => [name, file])).toEqual(
      VARIABLE_NAMES.map((name) => [name, fileVariable(name)]),
    );
  });

  test('commands', () => {
    const headings = [...pageOf('cli').matchAll(/^## `(.+)`$/gm)].map(([, name]) => name);
    const commands = commandsOf(createProgram('0.0.0'));
    expect(headings).toEqual(commands.map(nameOf));
    expect(headings.length).toBeGreaterThan(20);
  });

  test('recorded series, each with words (else: add them to scripts/docs/recorded.ts)', () => {
    const recorded = recordedIn(rulesIn(join(ROOT, 'prometheus/rules')));
    expect(recorded.length).toBeGreaterThan(5);
    const wordless = recorded.filter(({ meaning }) => meaning === undefined);
    expect(wordless.map(({ prefix, name }) => `${prefix}:${name}`)).toEqual([]);
  });
});

test('a metric is read from the page with type, help and all values of its labels', () => {
  const page = [
    '# HELP a_seconds How long',
    '# TYPE a_seconds histogram',
    'a_seconds_bucket{le="0.1",result="ok"} 0',
    'a_seconds_bucket{le="0.1",result="error"} 0',
    '# HELP b_total Things',
    '# TYPE b_total counter',
    'b_total 3',
  ].join('\n');
  expect(metricsIn(page)).toEqual([
    {
      name: 'a_seconds',
      type: 'histogram',
      help: 'How long',
      labels: new Map([['result', new Set(['ok', 'error'])]]),
    },
    { name: 'b_total', type: 'counter', help: 'Things', labels: new Map() },
  ]);
});

describe('a schema as a table', () => {
  test('refuses a key that nobody has described', () => {
    const schema = schemaOf(
      z.strictObject({ a: z.strictObject({ b: z.string() }).describe('A.') }),
    );
    expect(() => sections(schema)).toThrow('a.b has no description');
  });

  test('says what is taken, within which bounds, and what is taken without it', () => {
    const schema = schemaOf(
      z.strictObject({
        text: z.string().max(1_200).describe('T|t <x>.'),
        count: z.int().min(1).max(5).default(3).describe('C.'),
        list: z
          .array(z.enum(['a', 'b']))
          .min(1)
          .prefault(['a'])
          .describe('L.'),
        map: z.record(z.string(), z.strictObject({})).optional().describe('M.'),
        only: z.literal(true).optional().describe('O.'),
      }),
    );
    expect(keyTable(schema)).toEqual([
      '| key | takes | default | meaning |',
      '|---|---|---|---|',
      '| `text` | text, at most 1,200 characters | required | T\\|t &lt;x>. |',
      '| `count` | whole number, 1 to 5 | `3` | C. |',
      "| `list` | list, at least 1: `a`, `b` | `['a']` | L. |",
      '| `map` | map of names: [map](#mapname) | none | M. |',
      '| `only` | `true` | none | O. |',
      '',
    ]);
  });
});
