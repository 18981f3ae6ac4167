import { existsSync } from 'node:fs';
import { createRuleFiles } from '../../adapters/rule-files.ts';
import { renderProblems } from '../../core/rules/diagnostic.ts';
import { payloadView } from '../../http/explain-views.ts';
import { openRehearsal } from '../../rehearsal/rehearsal.ts';
import { rehearsalParts } from '../author/rehearsal-parts.ts';

/** What is taken for granted where no service is asked. */
const ASSUMED = [
  'mode auto; nothing was done before: no cooldown, no limit, no hold, no lease, no open breaker',
  'every target is there, opted in and healthy; where its state matters, the default of its action',
  'nothing silences the alert; Alertmanager and Prometheus answer',
] as const;

/** Time stands still in a rehearsal: what waits for it would wait for ever. Of real time. */
const ANSWER_WITHIN_MS = 30_000;

/**
 * The answer of `POST /api/v1/explain` without a service: the same question to the same engine, in a
 * rehearsal where all is well, with what was assumed beside it.
 * @throws Error with the problems when the rules do not compile; AutohealError when the body is no webhook.
 */
export async function offlineAnswer(
  body: Uint8Array,
  sources: { readonly rules?: string; readonly config?: string },
): Promise<object> {
  const files = createRuleFiles({
    rules_dir: sources.rules ?? envOf('AUTOHEAL_RULES') ?? 'rules',
    policy_file: sources.config ?? envOf('AUTOHEAL_CONFIG') ?? policyHere(),
  });
  const { rules, policy, problems } = await files.read();
  if (problems.length > 0) throw new Error(renderProblems(problems, () => undefined));
  const rehearsal = await openRehearsal({
    ...(await rehearsalParts()),
    rules,
    policy,
    start: Date.now(),
    mode: 'auto',
    world: { alertmanager: 'present', otherwise: true },
  });
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`there was no answer within ${ANSWER_WITHIN_MS / 1_000} s`)),
    ANSWER_WITHIN_MS,
  );
  try {
    const answer = await Promise.race([rehearsal.machine.what_if.payload(body), late.promise]);
    const looks = rehearsal.world.unanswered().map((look) => `this holds: ${look}`);
    return { ...payloadView(answer), assumed: [...ASSUMED, ...looks] };
  } finally {
    clearTimeout(timer);
    await rehearsal.close();
  }
}

function policyHere(): string | undefined {
  return existsSync('autoheal.yaml') ? 'autoheal.yaml' : undefined;
}

function envOf(name: string): string | undefined {
  const value = process.env[name] ?? '';
  return value === '' ? undefined : value;
}
