import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { type AnyAction, isAction } from '../action.ts';

/** A file in `actions/` that is not an action; the message names the path and the fix. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
}

/**
 * Every action of a folder, by id, in file-name order. Each file is imported once; the folder is the
 * whole list. Declarations and maps, which a build leaves beside the code, are passed over.
 * @throws RegistryError at the first file that is not an action: a service that starts without one of
 * its actions would fail at three in the morning instead.
 */
export async function loadActions(dir: string): Promise<ReadonlyMap<string, AnyAction>> {
  const actions = new Map<string, AnyAction>();
  for (const file of await filesOf(dir)) {
    const action = await loadAction(file);
    if (actions.has(action.id))
      throw new RegistryError(
        `${file}: there is an action ${action.id} already; remove one of the files`,
      );
    actions.set(action.id, action);
  }
  return actions;
}

async function filesOf(dir: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
    return names
      .filter((name) => /\.[jt]s$/.test(name) && !name.endsWith('.d.ts'))
      .toSorted()
      .map((name) => join(dir, name));
  } catch (error) {
    throw new RegistryError(`${dir}: the folder of actions cannot be read (${reason(error)})`);
  }
}

async function loadAction(file: string): Promise<AnyAction> {
  const action = (await importFile(file)).default;
  if (!isAction(action))
    throw new RegistryError(
      `${file}: it has no action; write: export default defineAction({ id: '${idOf(file)}', ... })`,
    );
  const [problem] = contractProblems(action, file);
  if (problem !== undefined) throw new RegistryError(`${file}: ${problem}`);
  return action;
}

async function importFile(file: string): Promise<{ readonly default?: unknown }> {
  try {
    return (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
  } catch (error) {
    throw new RegistryError(`${file}: it cannot be loaded (${reason(error)})`, { cause: error });
  }
}

/** `actions/restart-container.ts` -> `restart_container`. */
export function idOf(file: string): string {
  return basename(file)
    .replace(/\.[jt]s$/, '')
    .replaceAll('-', '_');
}

/** What of the contract of src/action.ts cannot be said in types; each with what to do about it. */
export function contractProblems(action: AnyAction, file: string): readonly string[] {
  const checks: readonly (readonly [boolean, string])[] = [
    [/^[a-z][a-z0-9-]*$/.test(kebabOf(file)), 'the file name must be kebab-case'],
    [
      action.id === idOf(file),
      `its id is ${action.id}; it must be ${idOf(file)}, the file name in snake_case`,
    ],
    [action.summary.trim() !== '', 'summary is empty; say in a line what a step does'],
    [action.backend !== '', 'backend is empty; name whose failures the breaker counts'],
    [
      isStrictObject(action.params),
      'params must be z.strictObject({...}), so that a typing mistake in a rule is seen',
    ],
    [
      action.safe_to_repeat || action.probe !== undefined,
      'safe_to_repeat is false, so it needs probe: after a crash the target is asked before acting again',
    ],
    [
      !action.leasable || action.revert !== undefined,
      'leasable is true, so it needs revert: a lease ends by it',
    ],
  ];
  return checks.filter(([holds]) => !holds).map(([, problem]) => problem);
}

function kebabOf(file: string): string {
  return basename(file).replace(/\.[jt]s$/, '');
}

/** Asked of the JSON Schema, because refinements wrap the object and hide its shape. */
function isStrictObject(params: z.ZodType): boolean {
  try {
    const schema = z.toJSONSchema(params, { io: 'input' });
    return schema.type === 'object' && schema.additionalProperties === false;
  } catch {
    return false;
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
