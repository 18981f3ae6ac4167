import { expect, test } from 'vitest';
import { createLog } from '../../src/cli/service/log.ts';

function written(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog('info', { write: (line) => void lines.push(line) }));
  return lines.join('');
}

test('a line is JSON with level, time in UTC, service, fields and the message', () => {
  const line = written((log) => log.warn({ backend: 'docker' }, 'breaker changed'));
  expect(JSON.parse(line)).toEqual({
    level: 40,
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown,
    service: 'autoheal',
    backend: 'docker',
    msg: 'breaker changed',
  });
});

test('what a library’s error brings along is starred out', () => {
  const err = Object.assign(new Error('HTTP 401'), {
    token: 'planted-1',
    headers: { authorization: 'Bearer planted-2', cookie: 'planted-3', accept: 'text/plain' },
  });
  const line = written((log) => log.error({ err, password: 'planted-4' }, 'it failed'));
  expect(line).not.toContain('planted');
  expect(line).toContain('"authorization":"[redacted]"');
  expect(line).toContain('text/plain');
});
