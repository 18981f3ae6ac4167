import { expect, test } from 'vitest';
import { createProgress } from '../../src/cli/progress.ts';

const ERASE = '\r\u001B[2K';

function rig(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  let now = 0;
  const progress = createProgress({
    stream: { write: (text: string) => written.push(text) > 0, isTTY, columns },
    label: 'deliveries',
    total: 2_000,
    now: () => now,
  });
  return { written, progress, at: (ms: number) => (now = ms) };
}

test('percent at once; rate and what is left once a second has gone by', () => {
  const { written, progress, at } = rig(true);
  progress.update(10);
  at(2_000);
  progress.update(500, 'rule ai-errors');
  expect(written).toEqual([
    `${ERASE}deliveries: 0%  10 of 2,000`,
    `${ERASE}deliveries: 25%  500 of 2,000  250/s  6s left  rule ai-errors`,
  ]);
});

test('written at most ten times a second', () => {
  const { written, progress, at } = rig(true);
  for (let ms = 0; ms < 1_000; ms += 1) {
    at(ms);
    progress.update(ms);
  }
  expect(written).toHaveLength(10);
});

test('slow work: fractions a second, hours left', () => {
  const { written, progress, at } = rig(true);
  at(10_000);
  progress.update(1);
  expect(written[0]).toContain('0.1/s  5h 33m left');
});

test('its end takes the line away, once', () => {
  const { written, progress } = rig(true);
  progress.end();
  expect(written).toEqual([]);
  progress.update(2_000);
  progress.end();
  progress.end();
  expect(written).toEqual([`${ERASE}deliveries: 100%  2,000 of 2,000`, ERASE]);
});

test('it never fills the terminal to its edge', () => {
  const { written, progress } = rig(true, 20);
  progress.update(1_999);
  expect(written).toEqual([`${ERASE}deliveries: 99%  1,`]);
});

test('not a terminal: not a byte', () => {
  const { written, progress } = rig(false);
  progress.update(1);
  progress.end();
  expect(written).toEqual([]);
});
