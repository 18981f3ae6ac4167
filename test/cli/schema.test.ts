import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../src/core/rules/yaml-parse.ts';
import { parseDuration } from '../../src/core/duration.ts';
import { schemaText } from '../../src/cli/author/file-schemas.ts';

const ROOT = join(import.meta.dirname, '../..');
const BIN = join(ROOT, 'bin/autoheal.js');
const KINDS = ['rule', 'policy', 'test'] as const;
type Kind = (typeof KINDS)[number];

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** What an editor would underline in a file; empty: nothing. */
function errorsIn(kind: Kind, yaml: string): readonly string[] {
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(schemaText(kind)) as object);
  validate(parseYaml('file.yaml', yaml).source?.value ?? {});
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

function yamlBlocks(page: string): readonly string[] {
  return [...textOf(page).matchAll(/```yaml\n([^]*?)```/g)].map(([, block = '']) => block);
}

test.each(KINDS)(
  'schemas/%s.schema.json is what the command prints (else: write it anew)',
  (kind) => {
    const printed = execFileSync(process.execPath, [BIN, 'schema', kind], { encoding: 'utf8' });
    expect(textOf(`schemas/${kind}.schema.json`)).toBe(printed);
  },
);

describe('an editor says nothing about', () => {
  test.each(readdirSync(join(ROOT, 'rules')).filter((name) => !name.endsWith('.test.yaml')))(
    'rules/%s',
    (name) => {
      expect(errorsIn('rule', textOf(`rules/${name}`))).toEqual([]);
    },
  );
  test.each(readdirSync(join(ROOT, 'rules')).filter((name) => name.endsWith('.test.yaml')))(
    'rules/%s',
    (name) => {
      expect(errorsIn('test', textOf(`rules/${name}`))).toEqual([]);
    },
  );
  test.each(yamlBlocks('docs/rule-tests.md'))('an example of docs/rule-tests.md: %.30s', (text) => {
    const kind = text.includes('tests:') ? 'test' : 'rule';
    expect(errorsIn(kind, text)).toEqual([]);
  });
  test.each(yamlBlocks('docs/rules.md'))('the example of docs/rules.md: %.30s', (text) => {
    expect(errorsIn('rule', text)).toEqual([]);
  });
  test('autoheal.example.yaml', () => {
    expect(errorsIn('policy', textOf('autoheal.example.yaml'))).toEqual([]);
  });
  test.each(yamlBlocks('docs/policy.md'))('an example of docs/policy.md: %.30s', (text) => {
    expect(errorsIn('policy', text)).toEqual([]);
  });
});

const RULE = 'name: a\nsummary: A.\nmatchers: [alertname="A"]\nsteps: [{ action: notify }]\n';
test.each([
  ['rule', `${RULE}lease: 30m\n`, ' must NOT have additional properties'],
  ['rule', RULE.replace(/steps.*/, ''), " must have required property 'steps'"],
  ['rule', `${RULE}mode: manual\n`, '/mode must be equal to one of the allowed values'],
  ['rule', `${RULE}guard: { cooldown: 10 }\n`, '/guard/cooldown must be string'],
  ['rule', `${RULE}guard: { limit: ['3 an hour'] }\n`, '/guard/limit/0 must match pattern'],
  ['policy', 'notifier: {}\n', ' must NOT have additional properties'],
  ['policy', 'blast_radius: { share: 34 }\n', '/blast_radius/share must be string'],
  ['policy', 'roles: {}\n', '/roles must NOT be valid'],
  ['test', 'tests: [{ name: a }]\n', "/tests/0 must have required property 'expect'"],
  ['test', 'tests: [{ name: a, expect: [{ kind: x }] }]\n', '/tests/0/expect/0/kind must be'],
] as const)('an editor underlines a mistake in a %s: %j', (kind, yaml, message) => {
  expect(errorsIn(kind, yaml).join('\n')).toContain(message);
});

test.each(['0', '5m', '1h30m', '1y2w', '250ms', '', 'm', '5', '5 m', '30m1h', '1.5h', '-5m'])(
  'the schema takes the duration %j exactly where the parser does',
  (text) => {
    const refused = errorsIn('rule', `${RULE}guard: { cooldown: '${text}' }\n`).length > 0;
    expect(refused).toBe(parseDuration(text) === undefined);
  },
);

test('no key is left without a form', () => {
  for (const kind of KINDS) {
    const bare: string[] = [];
    JSON.parse(schemaText(kind), (key, value: unknown) => {
      const empty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
      if (empty && key !== 'default' && key !== 'not') bare.push(key);
      return value;
    });
    expect(bare).toEqual([]);
  }
});
