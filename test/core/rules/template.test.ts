import { assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkTemplates, renderJson, renderPromql } from '../../../src/core/rules/template.ts';
import { parseTemplate } from '../../../src/core/rules/template-parse.ts';

const SCOPE = {
  labels: { alertname: 'X', container: 'crm-api', 'weird name': 'w', empty: '', n: '7' },
  annotations: { summary: 'It is down.' },
};

function rendered(text: string): unknown {
  const result = renderJson({ it: text }, SCOPE);
  return result.ok ? result.value['it'] : result.message;
}

describe('renderJson', () => {
  test.each([
    ['plain }} text', 'plain }} text'],
    ['{{ labels.container }}', 'crm-api'],
    ['{{labels.container}}', 'crm-api'],
    ['a-{{ labels.container }}-{{ labels.n }}', 'a-crm-api-7'],
    ['{{ labels["weird name"] }}', 'w'],
    ['{{ annotations.summary }}', 'It is down.'],
    ['{{ labels.absent | default "y" }}', 'y'],
    ['{{ labels.empty | default "y" }}', 'y'],
    ['{{ labels.container | default "y" }}', 'crm-api'],
    [String.raw`{{ labels.absent | default "say \"}}\"\n\\" }}`, 'say "}}"\n\\'],
    ['{{ labels.absent | default "" }}', ''],
    ['{{ labels.n }}', '7'],
  ])('%s', (text, wanted) => {
    expect(rendered(text)).toBe(wanted);
  });

  test.each([
    '{{ labels.absent }}',
    '{{ labels.empty }}',
    '{{ labels.toString }}',
    '{{ annotations.x }}',
  ])('%s says what the alert has not', (text) => {
    expect(rendered(text)).toMatch(/the alert has no (labels|annotations)\./);
  });

  test('renders inside lists and maps, and leaves keys and other values alone', () => {
    const value = {
      list: ['{{ labels.n }}', 1, null, true],
      map: { '{{x': { deep: '{{ labels.n }}' } },
    };
    expect(renderJson(value, SCOPE)).toEqual({
      ok: true,
      value: { list: ['7', 1, null, true], map: { '{{x': { deep: '7' } } },
    });
  });

  test("a label's value is never a template itself", () => {
    const scope = { labels: { a: '{{ labels.secret }}', secret: 's' }, annotations: {} };
    expect(renderJson({ it: '{{ labels.a }}' }, scope)).toEqual({
      ok: true,
      value: { it: '{{ labels.secret }}' },
    });
  });

  test('a value without end is refused', () => {
    const scope = { labels: { a: 'x'.repeat(10_001) }, annotations: {} };
    expect(renderJson({ it: '{{ labels.a }}' }, scope)).toMatchObject({ ok: false });
  });
});

describe('checkTemplates', () => {
  const present = new Set(['alertname', 'container']);

  test('a label that is surely there, or has a default, is fine', () => {
    const value = { a: '{{ labels.container }}', b: ['{{ labels.x | default "y" }}'], c: 3 };
    expect(checkTemplates(value, present)).toEqual([]);
  });

  test('finds each, with its path and place', () => {
    const found = checkTemplates(
      { a: ['x {{ labels.y }}'], b: '{{ annotations.container }}' },
      present,
    );
    expect(found).toMatchObject([
      { path: ['a', 0], offset: 2, length: 14, message: 'the label "y" may be absent' },
      { path: ['b'], offset: 0, message: 'the annotation "container" may be absent' },
    ]);
  });

  test.each([
    '{{',
    '{{ }}',
    '{{ labels }}',
    '{{ labels. }}',
    '{{ labels.a.b }}',
    '{{ labels.a + 1 }}',
    '{{ labels.a | upper }}',
    '{{ labels.a | default }}',
    '{{ labels.a | default y }}',
    "{{ labels.a | default 'y' }}",
    '{{ labels["a] }}',
    '{{ env.HOME }}',
    '{{ constructor.name }}',
    '{{ labels.container',
  ])('%s is refused', (text) => {
    expect(checkTemplates(text, present)).toHaveLength(1);
  });

  test('no text makes the parser throw, and its parts cover the text', () => {
    const piece = constantFrom(
      '{{',
      '}}',
      '{',
      ' ',
      'labels',
      '.',
      'a',
      '"',
      '|',
      'default',
      '\\',
      '[',
      ']',
    );
    assert(
      property(string({ unit: piece, maxLength: 14 }), (text) => {
        const parsed = parseTemplate(text);
        if (!parsed.ok) {
          expect(parsed.offset + parsed.length).toBeLessThanOrEqual(text.length);
          return;
        }
        const length = parsed.parts.reduce(
          (sum, part) => sum + (part.kind === 'text' ? part.text.length : part.length),
          0,
        );
        expect(length).toBe(text.length);
      }),
    );
  });
});

/** Reads a PromQL string literal as Prometheus does (strutil.Unquote); returns its value and the rest. */
function readLiteral(expr: string): { readonly value: string; readonly rest: string } {
  const quote = expr[0];
  let value = '';
  for (let at = 1; at < expr.length; at++) {
    const char = expr[at] ?? '';
    if (char === quote) return { value, rest: expr.slice(at + 1) };
    if (char === '\n') throw new Error('newline in literal');
    if (char !== '\\') {
      value += char;
      continue;
    }
    const escape = expr[++at] ?? '';
    if (escape === 'x') {
      value += String.fromCharCode(Number.parseInt(expr.slice(at + 1, at + 3), 16));
      at += 2;
    } else if (escape === 'n') value += '\n';
    else if (escape === '\\' || escape === quote) value += escape;
    else throw new Error(`unknown escape ${escape}`);
  }
  throw new Error('literal not closed');
}

describe('renderPromql', () => {
  test.each([
    ['up{job="{{ labels.container }}"} == 1', 'up{job="crm-api"} == 1'],
    ["up{job='{{ labels.container }}'} == 1", "up{job='crm-api'} == 1"],
    ['up{job="{{ labels["weird name"] }}"} == 1', 'up{job="w"} == 1'],
    ['up{job="{{ labels.absent | default "a" }}"} == 1', 'up{job="a"} == 1'],
    ['up{job=~"{{ labels.container }}.*"} == 1', String.raw`up{job=~"crm\\-api.*"} == 1`],
    ['up == 1', 'up == 1'],
  ])('%s', (expr, wanted) => {
    expect(renderPromql(expr, SCOPE)).toEqual({ ok: true, value: wanted });
  });

  test.each(['up{job={{ labels.container }}} == 1', 'up{job=`{{ labels.container }}`} == 1'])(
    '%s is not rendered',
    (expr) => {
      expect(renderPromql(expr, SCOPE)).toMatchObject({ ok: false });
    },
  );

  test('no value leaves its quotes, and it arrives as it was', () => {
    const nasty = constantFrom(
      '"',
      "'",
      '\\',
      '\n',
      '`',
      '{',
      '}',
      ' or ',
      '#',
      'a',
      '\u0000',
      '\r',
      '日',
      '🔥',
    );
    assert(
      property(string({ unit: nasty, minLength: 1 }), constantFrom('"', "'"), (value, quote) => {
        const expr = `up{job=${quote}<{{ labels.v }}>${quote}} == 1`;
        const result = renderPromql(expr, { labels: { v: value }, annotations: {} });
        if (!result.ok) throw new Error(result.message);
        const literal = readLiteral(result.value.slice('up{job='.length));
        expect(literal).toEqual({ value: `<${value}>`, rest: '} == 1' });
      }),
    );
  });

  test('behind =~ a value matches itself only', () => {
    assert(
      property(string({ minLength: 1 }), string(), (value, other) => {
        const scope = { labels: { v: value }, annotations: {} };
        const result = renderPromql('up{job=~"{{ labels.v }}"} == 1', scope);
        if (!result.ok) throw new Error(result.message);
        const { value: pattern } = readLiteral(result.value.slice('up{job=~'.length));
        const regex = new RegExp(`^(?:${pattern})$`, 's');
        expect(regex.test(value)).toBe(true);
        expect(regex.test(other)).toBe(other === value);
      }),
    );
  });

  test('half a surrogate pair becomes a character that can be sent', () => {
    const scope = { labels: { v: 'a\ud83d' }, annotations: {} };
    const result = renderPromql('up{job="{{ labels.v }}"} == 1', scope);
    expect(result).toEqual({ ok: true, value: 'up{job="a\ufffd"} == 1' });
  });
});
