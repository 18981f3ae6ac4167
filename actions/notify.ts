import { z } from 'zod';
import { ActionError, type ActionContext, defineAction } from '../src/action.ts';

const params = z.strictObject({
  notifier: z.string().min(1).max(200).describe('A notifier of the policy.'),
  message: z.string().min(1).max(8_000).describe('The text.'),
  title: z.string().min(1).max(300).optional().describe("The first line. Unset: the alert's name."),
});
type Params = z.output<typeof params>;

export default defineAction<Params>({
  id: 'notify',
  summary: 'Send a message through a notifier that the policy names.',
  backend: 'notify',
  params: params,
  // The receiver can tell a repeated message by its Idempotency-Key; a message too many beats none.
  safe_to_repeat: true,
  leasable: false,

  rehearse: 'as_is',

  async resolve({ notifier }, ctx) {
    needNotifier(notifier, ctx);
    return [
      {
        // A message per alert: two alerts must not wait for each other's verdict to be told.
        id: `notifier/${notifier}/${ctx.cause.fingerprint}`,
        parents: [],
        name: notifier,
        opted_in: true,
        opt_in_hint: 'declared under notifiers in the policy',
        observed: null,
        desired: null,
        cmd: `autoheal notify ${notifier}`,
      },
    ];
  },

  async preview({ notifier, message, title }, _target, ctx) {
    needNotifier(notifier, ctx);
    return `send to ${notifier}: ${title === undefined ? '' : `${title}: `}${message}`;
  },

  async execute({ notifier, message, title }, _target, ctx) {
    const { alertname, rule, remediation, labels } = ctx.cause;
    return await ctx.clients.notifiers.send(
      notifier,
      {
        title: title ?? alertname,
        text: message,
        fields: { alertname, rule, remediation, labels: { ...labels } },
      },
      { signal: ctx.signal, idempotency_key: ctx.idempotency_key },
    );
  },
});

function needNotifier(name: string, ctx: ActionContext): void {
  if (ctx.clients.notifiers.has(name)) return;
  throw new ActionError(
    'not_configured',
    `the policy has no notifier ${name}; add it under notifiers`,
    {
      retryable: false,
    },
  );
}
