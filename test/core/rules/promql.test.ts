import { expect, test } from 'vitest';
import { checkPromql } from '../../../src/core/rules/promql.ts';

test.each([
  'sum(queue_depth{queue="q_import"}) < 200',
  'up{job="a"} == 1 and on() vector(1) > 0',
  'absent(ALERTS{alertname="X"})',
  'up unless on(instance) down',
  '(up > bool 0) == 1',
  'up{job="{{ labels.job }}"} != 0 # "a comment',
  'up{job="a } (", path=`c:\\`} >= 1',
  "label_replace(up, 'a', '$1', 'b', '(.*)') == 1",
  'max_over_time(depth[5m:1m] offset 1m) < 5',
])('%s is taken', (expr) => {
  expect(checkPromql(expr)).toBeUndefined();
});

test.each([
  ['', 'is empty'],
  ['sum(queue_depth)', 'compares with nothing'],
  ['up{job!="a"}', 'compares with nothing'],
  ['up{job="a == 1"}', 'compares with nothing'],
  ['up == bool 1', '"bool" keeps every sample'],
  ['sum(up == 1', 'this "(" is not closed'],
  ['sum(up]) == 1', 'this "]" closes nothing'],
  ['up{job="a} == 1', 'this quote is not closed'],
  ['up{job="a\\"} == 1', 'this quote is not closed'],
  ['up > {{ labels.n }}', 'must stand inside a quoted string'],
  ['up{job=`{{ labels.job }}`} == 1', 'must stand inside a quoted string'],
  [`up == ${'1'.repeat(4_000)}`, 'is longer than 4000 characters'],
])('%s is refused', (expr, message) => {
  expect(checkPromql(expr)?.message).toContain(message);
});
