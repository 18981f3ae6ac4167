import { beforeEach, expect, test } from 'vitest';
import setFlag from '../../actions/set-flag.ts';
import type { FlagValue } from '../../src/action.ts';
import { contextOf, failureOf, one } from './context.ts';

let flags: Map<string, FlagValue>;
beforeEach(() => {
  flags = new Map<string, FlagValue>([
    ['heuristics-only', false],
    ['banner', ''],
    ['share', 0.5],
  ]);
});
function ctx() {
  return contextOf({ flags });
}
const on = { flag: 'heuristics-only', value: true };
async function resolve(params: { flag: string; value: FlagValue } = on) {
  return one(await setFlag.resolve(params, ctx()));
}

test('plans the change of a declared flag', async () => {
  expect(await resolve()).toMatchObject({
    id: 'flag/heuristics-only',
    name: 'heuristics-only',
    opted_in: true,
    observed: false,
    desired: true,
    cmd: 'autoheal flags set heuristics-only true',
  });
  const banner = await resolve({ flag: 'banner', value: "we're slow" });
  expect(banner.cmd).toBe(String.raw`autoheal flags set banner 'we'\''re slow'`);
});

test('an undeclared flag is not found, a value of another type does not fit', async () => {
  expect((await failureOf(resolve({ flag: 'nope', value: true }))).code).toBe('not_found');
  const failure = await failureOf(resolve({ flag: 'share', value: true }));
  expect(failure).toMatchObject({ code: 'invalid_params', retryable: false });
  expect(failure.message).toBe('flag share is a number, true is a boolean');
});

test('sets, sets again without a change, and goes back', async () => {
  const target = await resolve();
  expect(await setFlag.preview(on, target, ctx())).toBe('flag heuristics-only: false -> true');
  expect(flags.get('heuristics-only')).toBe(false);
  expect(await setFlag.execute(on, target, ctx())).toEqual({
    changed: true,
    from: false,
    to: true,
  });
  expect(await setFlag.verify?.(on, target, {}, ctx())).toBe('healthy');
  expect(await setFlag.execute(on, target, ctx())).toMatchObject({ changed: false });
  const undo = { params: {}, original: false, value: true };
  expect(await setFlag.revert?.(target, undo, ctx())).toMatchObject({ result: 'reverted' });
  expect(flags.get('heuristics-only')).toBe(false);
  expect(await setFlag.revert?.(target, undo, ctx())).toMatchObject({
    result: 'reverted',
    evidence: { changed: false },
  });
});

test('what somebody else set meanwhile is left alone, in execute and in revert', async () => {
  const params = { flag: 'share', value: 0.1 };
  const target = await resolve(params);
  flags.set('share', 0.9);
  expect(await failureOf(setFlag.execute(params, target, ctx()))).toMatchObject({
    code: 'conflict',
    retryable: false,
  });
  expect(await setFlag.verify?.(params, target, {}, ctx())).toBe('failed');
  const undo = { params: {}, original: 0.5, value: 0.1 };
  expect(await setFlag.revert?.(target, undo, ctx())).toEqual({
    result: 'changed_elsewhere',
    cmd: null,
    evidence: { value: 0.9, expected: 0.1, original: 0.5 },
  });
  expect(flags.get('share')).toBe(0.9);
});

test('a flag that the policy no longer declares is left alone', async () => {
  const target = await resolve();
  flags.delete('heuristics-only');
  const undo = { params: {}, original: false, value: true };
  expect(await setFlag.revert?.(target, undo, ctx())).toMatchObject({
    result: 'changed_elsewhere',
  });
  expect((await failureOf(setFlag.execute(on, target, ctx()))).code).toBe('not_found');
});
