import { z } from 'zod';
import type { Approval } from '../core/healing/approval.ts';
import { isoTime } from '../core/time.ts';
import { Reason } from './until.ts';
import { ok, route, type Answer, type Call } from './route.ts';
import { NullableTime, Time, timeOrNull } from './views.ts';

const ApprovalItem = z
  .strictObject({
    id: z.string(),
    remediation_id: z.string(),
    plan_hash: z.string(),
    state: z.enum(['asked', 'granted', 'denied', 'used']),
    role: z.enum(['operator', 'admin']),
    cmds: z.array(z.string()),
    why: z.string(),
    asked_at: Time,
    expires_at: Time,
    answered_at: NullableTime,
    answered_by: z.string().nullable(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'Approval' });
const Answered = z.strictObject({
  plan_hash: z.string().describe('Of the plan that was shown: a grant is for it and no other'),
  reason: Reason,
});
type AnswerCall = Call<object, z.infer<typeof Answered>>;

export const APPROVAL_ROUTES = [
  route({
    method: 'GET',
    path: '/api/v1/approvals',
    access: 'viewer',
    summary: 'Plans that wait for a yes or a no, oldest first.',
    answers: {
      200: {
        description: 'Open questions',
        schema: z.strictObject({ items: z.array(ApprovalItem) }),
      },
    },
    handle: async ({ deps }) => ok({ items: (await deps.approvals.open()).map(approvalView) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/remediations/{id}/approve',
    access: 'operator',
    summary: 'Grants the plan, for one run. The guards ask again before it begins.',
    body: Answered,
    answers: { 200: { description: 'Granted', schema: ApprovalItem } },
    handle: async (call: AnswerCall) => answered(call, 'grant'),
  }),
  route({
    method: 'POST',
    path: '/api/v1/remediations/{id}/deny',
    access: 'operator',
    summary: 'Denies the plan: the remediation ends.',
    body: Answered,
    answers: { 200: { description: 'Denied', schema: ApprovalItem } },
    handle: async (call: AnswerCall) => answered(call, 'deny'),
  }),
];

async function answered(call: AnswerCall, how: 'grant' | 'deny'): Promise<Answer> {
  const { deps, param, body, actor } = call;
  const role = call.role === 'admin' ? 'admin' : 'operator';
  const approval = await deps.approvals[how](param('id'), { ...body, actor, role });
  return ok(approvalView(approval));
}

export function approvalView(approval: Approval): object {
  return {
    ...approval,
    asked_at: isoTime(approval.asked_at),
    expires_at: isoTime(approval.expires_at),
    answered_at: timeOrNull(approval.answered_at),
  };
}
