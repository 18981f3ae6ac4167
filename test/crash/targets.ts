import type { Target } from '../../src/core/healing/remediation.ts';
import { openTargets } from './journal.ts';

/** The one set of targets that all actions of the process touch. */
export const targets = openTargets();

export function targetOf(thing: string, observed: string | null, desired: string | null): Target {
  return {
    id: `thing/${thing}`,
    parents: [],
    name: thing,
    opted_in: true,
    opt_in_hint: '',
    observed,
    desired,
    cmd: `touch ${thing}`,
  };
}

/** How long a backend takes between being asked and having done it, ms: time to die in. */
export const BACKEND_MS = 3;
