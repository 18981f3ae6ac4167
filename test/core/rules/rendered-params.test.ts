import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { validateRendered } from '../../../src/core/rules/rendered-params.ts';

const SCHEMA = z.strictObject({
  name: z.string().optional(),
  count: z.int().min(0).max(50).optional(),
  either: z.union([z.boolean(), z.number()]).optional(),
  list: z.array(z.strictObject({ n: z.number() })).optional(),
});

describe('validateRendered', () => {
  test.each([
    ['{{ labels.n }}', '7', 7],
    ['{{ labels.n }}', '+7', 7],
    ['{{ labels.n | default "3" }}', '3', 3],
  ])('%s rendered as %j is the number %d', (written, text, count) => {
    expect(validateRendered(SCHEMA, { count: written }, { count: text })).toEqual({
      ok: true,
      value: { count },
    });
  });

  test('a text stays a text where a text is wanted', () => {
    const result = validateRendered(SCHEMA, { name: '{{ labels.n }}' }, { name: '7' });
    expect(result).toEqual({ ok: true, value: { name: '7' } });
  });

  test('numbers are found in unions and in lists', () => {
    const written = { either: '{{ labels.n }}', list: [{ n: '{{ labels.n }}' }] };
    const result = validateRendered(SCHEMA, written, { either: '7', list: [{ n: '1.5' }] });
    expect(result).toEqual({ ok: true, value: { either: 7, list: [{ n: 1.5 }] } });
  });

  test.each(['', ' 7', '7 ', '0x7', '1e3', '7,5', 'Infinity', 'NaN', '٧', '7'.repeat(16)])(
    '%j is no number',
    (text) => {
      const result = validateRendered(SCHEMA, { count: '{{ labels.n }}' }, { count: text });
      expect(result).toMatchObject({ ok: false, message: expect.stringContaining('count: ') });
    },
  );

  test('the schema still judges the number', () => {
    const result = validateRendered(SCHEMA, { count: '{{ labels.n }}' }, { count: '51' });
    expect(result).toMatchObject({ ok: false, message: expect.stringContaining('<=50') });
    const half = validateRendered(SCHEMA, { count: '{{ labels.n }}' }, { count: '1.5' });
    expect(half.ok).toBe(false);
  });

  test('what was written as a text is never made a number', () => {
    expect(validateRendered(SCHEMA, { count: '7' }, { count: '7' }).ok).toBe(false);
    expect(validateRendered(SCHEMA, { count: '1{{ labels.n }}' }, { count: '17' }).ok).toBe(false);
  });

  test('the rendered parameters themselves are left as they are', () => {
    const rendered = { count: '7' };
    validateRendered(SCHEMA, { count: '{{ labels.n }}' }, rendered);
    expect(rendered).toEqual({ count: '7' });
  });
});
