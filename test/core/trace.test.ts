import { assert, property, uuid } from 'fast-check';
import { expect, test } from 'vitest';
import { spanIdFrom, traceIdFrom, under } from '../../src/core/trace.ts';

const ID = '019a1b2c-3d4e-7f50-8a1b-2c3d4e5f6071';

test('a trace takes all of a UUID, a span its last 16 digits', () => {
  expect(traceIdFrom(ID)).toBe('019a1b2c3d4e7f508a1b2c3d4e5f6071');
  expect(spanIdFrom(ID)).toBe('8a1b2c3d4e5f6071');
});

test('both are ids of OpenTelemetry, whatever the UUID', () => {
  assert(
    property(uuid({ version: 7 }), (id) => {
      expect(traceIdFrom(id)).toMatch(/^[0-9a-f]{32}$/);
      expect(spanIdFrom(id)).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
    }),
  );
});

test('a row that belongs to no trace has no place', () => {
  expect(under(null, ID)).toBeNull();
  expect(under('ab'.repeat(16), ID)).toEqual({
    trace_id: 'ab'.repeat(16),
    span_id: '8a1b2c3d4e5f6071',
  });
});
