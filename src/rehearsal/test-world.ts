import type { WorldChange } from './test-schema.ts';
import type { WorldSpec } from './world-spec.ts';

/** The world as a test file says it; a key that is not there says nothing. */
export function worldSpecOf(said: WorldChange): WorldSpec {
  return withoutUndefined({
    ...said,
    targets:
      said.targets === undefined
        ? undefined
        : Object.fromEntries(
            Object.entries(said.targets).map(([id, target]) => [id, withoutUndefined(target)]),
          ),
  });
}

function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}
