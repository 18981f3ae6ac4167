import type { FlagValue } from '../../action.ts';
import type { Approval } from '../../core/healing/approval.ts';
import { type Hold, holdStands } from '../../core/healing/hold.ts';
import { type Json, jsonEqual } from '../../core/json.ts';
import type { Change, Store } from '../../store.ts';
import { addTo, putIn, refuse, type Undo } from './undo.ts';

type Of<K extends Change['kind']> = Extract<Change, { kind: K }>;

/** Holds, questions, flags and documents of a replay: few of each. */
export function createAsked(of: {
  readonly isOpen: (episode_id: string) => boolean;
  readonly waits: (remediation_id: string) => boolean;
}) {
  const holds = new Map<string, Hold>();
  const questions = createQuestions(of.waits);
  const flags = new Map<string, { value: FlagValue; updated_at: number; actor: string }>();
  const settings = new Map<string, Json>();
  const texts = new Map<string, { readonly name: string; readonly text: string }>();

  function stands(hold: Hold, now: number): boolean {
    if (!holdStands(hold, now)) return false;
    return hold.kind !== 'ack' || (hold.episode !== null && of.isOpen(hold.episode));
  }

  return {
    holdPut({ hold }: Of<'hold_put'>, undo: Undo): void {
      putIn(holds, hold.id, hold, undo);
    },
    ...questions.changes,
    flagPut(change: Of<'flag_put'>, undo: Undo): void {
      const { key, default_value, expected, value, at, actor } = change;
      if (!jsonEqual(flags.get(key)?.value ?? default_value, expected))
        refuse('flag_moved', `flag ${key} is not ${JSON.stringify(expected)}`);
      putIn(flags, key, { value, updated_at: Math.round(at), actor }, undo);
    },
    settingPut({ key, value }: Of<'setting_put'>, undo: Undo): void {
      putIn(settings, key, value, undo);
    },
    textAdd({ hash, name, text }: Of<'rule_text_add'>, undo: Undo): void {
      if (!texts.has(hash)) putIn(texts, hash, { name, text }, undo);
    },
    reads: {
      holds: async (now) => [...holds.values()].filter((hold) => stands(hold, now)),
      hold: async (id) => holds.get(id),
      ...questions.reads,
      flag: async (key) => flags.get(key),
      setting: async (key) => settings.get(key) ?? undefined,
      ruleText: async (hash) => texts.get(hash),
    } satisfies Partial<Store>,
  };
}

function createQuestions(waits: (remediation_id: string) => boolean) {
  const approvals = new Map<string, Approval>();
  /** Ids, the newest last. */
  const asked = new Map<string, string[]>();

  function newest(remediation_id: string, fits: (one: Approval) => boolean): Approval | undefined {
    const ids = asked.get(remediation_id) ?? [];
    const id = ids.findLast((each) => {
      const one = approvals.get(each);
      return one !== undefined && fits(one);
    });
    return approvals.get(id ?? '');
  }

  return {
    changes: {
      approvalAdd({ approval }: Of<'approval_add'>, undo: Undo): void {
        putIn(approvals, approval.id, approval, undo);
        addTo(asked, approval.remediation_id, approval.id, undo);
      },
      approvalAnswer({ id, state, by, reason, at }: Of<'approval_answer'>, undo: Undo): void {
        const one = approvals.get(id);
        if (one?.state !== 'asked' || one.expires_at <= at)
          refuse('approval_over', `approval ${id} was answered, or its time is over`);
        putIn(approvals, id, { ...one, state, answered_by: by, reason, answered_at: at }, undo);
      },
      approvalUse({ id }: Of<'approval_use'>, undo: Undo): void {
        const one = approvals.get(id);
        if (one?.state !== 'granted')
          refuse('approval_over', `approval ${id} is not granted, or was used`);
        putIn(approvals, id, { ...one, state: 'used' }, undo);
      },
    },
    reads: {
      approvalFor: async (id, hash) => newest(id, (one) => one.plan_hash === hash),
      approvalOf: async (id) => newest(id, () => true),
      openApprovals: async (now) =>
        [...approvals.values()].filter(
          (one) =>
            one.state === 'asked' &&
            one.expires_at > now &&
            waits(one.remediation_id) &&
            newest(one.remediation_id, () => true) === one,
        ),
    } satisfies Partial<Store>,
  };
}
