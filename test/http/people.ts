import { AutohealError } from '../../src/core/errors.ts';
import type { Approvals, HoldBoard, Operations } from '../../src/engine/api.ts';
import { approval, hold, lease } from '../fakes/values.ts';
import { NOW, REMEDIATION } from './values.ts';

/** What people ask of the engine, and what a fake of it answers. */
export interface PeopleSeen {
  readonly calls: { readonly what: string; readonly with: unknown }[];
}

const HOLD = hold({ rule: 'ai-errors', since: NOW - 1_000 });
const APPROVAL = approval({ asked_at: NOW - 1_000, expires_at: NOW + 60_000 });

export function peopleOf(seen: PeopleSeen): {
  readonly holds: HoldBoard;
  readonly approvals: Approvals;
  readonly operations: Operations;
} {
  function note<T>(what: string, given: unknown, answer: T): T {
    seen.calls.push({ what, with: given });
    return answer;
  }
  function known(id: string): void {
    if (id !== 'r-1') throw new AutohealError('not_found', 'no remediation has this id');
  }
  return {
    holds: {
      standing: async () => [HOLD],
      place: async (given) => note('place', given, { ...HOLD, ...given }),
      acknowledge: async (given) => note('acknowledge', given, { ...HOLD, ...given, kind: 'ack' }),
      end: async (id, by) => note('end', { id, ...by }, { ...HOLD, id, ended_at: NOW }),
    },
    approvals: {
      open: async () => [APPROVAL],
      of: async () => APPROVAL,
      async grant(id, by) {
        known(id);
        return note('grant', by, { ...APPROVAL, state: 'granted', answered_by: by.actor });
      },
      async deny(id, by) {
        known(id);
        return note('deny', by, { ...APPROVAL, state: 'denied', answered_by: by.actor });
      },
    },
    operations: {
      run: async (given) => note('run', given, REMEDIATION),
      async cancel(id, by) {
        known(id);
        return note('cancel', by, { ...REMEDIATION, cancel: { ...by, at: NOW } });
      },
      async undo(id, by) {
        known(id);
        return note('undo', by, [lease()]);
      },
    },
  };
}
