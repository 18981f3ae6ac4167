import { expect, test } from 'vitest';
import { didYouMean, nearest } from '../../src/core/suggest.ts';

const ACTIONS = ['notify', 'restart_container', 'scale_workers', 'set_flag'];

test.each([
  ['restart-container', 'restart_container'],
  ['resart_container', 'restart_container'],
  ['Set_Flag', 'set_flag'],
  ['set_falg', 'set_flag'],
  ['scale', 'scale_workers'],
])('%s was meant to be %s', (word, meant) => {
  expect(nearest(word, ACTIONS)).toBe(meant);
});

test.each(['reboot', 'x', '', 'a'.repeat(1_000)])('%j is near to nothing', (word) => {
  expect(nearest(word, ACTIONS)).toBeUndefined();
});

test('without a near one, all are listed', () => {
  expect(didYouMean('reboot', ['a', 'b'])).toBe('write one of a, b');
  expect(didYouMean('reboot', ['a'])).toBe('write a');
  expect(didYouMean('reboot', [])).toBe('remove it: there is none');
});
