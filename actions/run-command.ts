import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  ActionError,
  type ActionContext,
  type CommandResult,
  defineAction,
} from '../src/action.ts';
import type { Target } from '../src/core/healing/remediation.ts';
import { plainText } from '../src/core/rules/param-parts.ts';
import { issueOf } from '../src/core/rules/schema-parts.ts';
import { shellWords } from '../src/core/shell-words.ts';

const ARGUMENTS_MAX = 50;
const ARGUMENT_CHARS_MAX = 4_096;
const VARIABLES_MAX = 50;
const SAID_CHARS = 500;
/** Variables by which a program can be made to load or run something else than what was allowed. */
const STEERING =
  /^(?:PATH|IFS|ENV|BASH_.*|SHELLOPTS|PS4|LD_.*|DYLD_.*|GCONV_PATH|PYTHON.*|PERL.*|RUBY.*|NODE_.*|LUA_.*|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|GIT_.*|EDITOR|VISUAL|PAGER|AUTOHEAL_.*)$/i;

const params = z.strictObject({
  argv: z
    .array(plainText(ARGUMENT_CHARS_MAX))
    .min(1)
    .max(ARGUMENTS_MAX)
    .describe(
      'The program and its arguments, each by itself; must fit a line of `commands` in the policy.',
    ),
  env: z
    .record(z.string().max(100), plainText(ARGUMENT_CHARS_MAX))
    .superRefine((env, ctx) => {
      const names = Object.keys(env);
      if (names.length > VARIABLES_MAX)
        ctx.addIssue(issueOf(`has more than ${VARIABLES_MAX} variables`, 'pass fewer'));
      for (const name of names) {
        const problem = variableProblem(name);
        if (problem !== undefined)
          ctx.addIssue({ ...issueOf(problem, 'leave it out'), path: [name], input: name });
      }
    })
    .optional()
    .describe(
      'Variables to add; none that steers what a program loads (`PATH`, `LD_*`, `PYTHON*`, ...).',
    ),
  cwd: plainText(ARGUMENT_CHARS_MAX)
    .refine((path) => path.startsWith('/') && !path.split('/').includes('..'), {
      error: 'must be an absolute path without ..',
    })
    .optional()
    .describe('An absolute folder. Unset: `/`.'),
  success: z
    .array(z.int().min(0).max(255))
    .min(1)
    .max(256)
    .default([0])
    .describe('Exit codes that count as done.'),
});
type Params = z.output<typeof params>;

export default defineAction<Params>({
  id: 'run_command',
  summary: 'Run a program that the policy allows, without a shell.',
  backend: 'commands',
  params,
  safe_to_repeat: false,
  leasable: false,

  rehearse: (given, world) => [targetOf(given, world)],

  async resolve(given, ctx) {
    return [targetOf(given, ctx)];
  },

  async preview({ argv, cwd }, target, ctx) {
    needAllowed(argv, ctx);
    return `run ${target.cmd}${cwd === undefined ? '' : ` in ${cwd}`}`;
  },

  async execute({ argv, env, cwd, success }, target, ctx) {
    // Again: the policy may have been reloaded since the plan.
    needAllowed(argv, ctx);
    const { alertname, remediation } = ctx.cause;
    const begun_at = ctx.now();
    const result = await ctx.clients.commands.run(argv, {
      signal: ctx.signal,
      env: {
        ...env,
        AUTOHEAL_IDEMPOTENCY_KEY: ctx.idempotency_key,
        AUTOHEAL_ALERTNAME: alertname,
        AUTOHEAL_REMEDIATION: remediation,
      },
      ...(cwd === undefined ? {} : { cwd }),
    });
    if (result.rc === null || !success.includes(result.rc)) throw failed(target.name, result);
    return { ...result, duration_ms: ctx.now() - begun_at };
  },

  /** Nobody but the program knows how far it came, and it has gone: a person must look. */
  probe: () => Promise.resolve('unknown'),
});

function variableProblem(name: string): string | undefined {
  if (!/^[A-Za-z_]\w*$/.test(name)) return 'is no name of a variable';
  return STEERING.test(name)
    ? 'is a variable that can make a program run something else'
    : undefined;
}

type Asked = {
  readonly clients: Pick<ActionContext['clients'], 'allowed'>;
  readonly cause: ActionContext['cause'];
};

function targetOf({ argv }: Params, asked: Asked): Target {
  needAllowed(argv, asked);
  const hash = createHash('sha256').update(JSON.stringify(argv)).digest('hex').slice(0, 12);
  const [program = ''] = argv;
  return {
    id: `command${program}/${hash}`,
    parents: [],
    name: program.slice(program.lastIndexOf('/') + 1),
    opted_in: true,
    opt_in_hint: 'allowed under commands in the policy',
    observed: null,
    desired: null,
    cmd: shellWords(argv),
  };
}

/**
 * The policy's `commands` decides. Besides, an argument that an alert gave as a whole is no option, not
 * even one that the policy knows: which option a program gets is the rule's to say.
 */
function needAllowed(argv: readonly string[], ctx: Asked): void {
  if (!ctx.clients.allowed.command(argv))
    throw new ActionError(
      'forbidden',
      `the policy does not allow ${shellWords(argv, 300)}; add it under commands`,
      { retryable: false },
    );
  const { labels, annotations } = ctx.cause;
  const given = new Set([...Object.values(labels), ...Object.values(annotations)]);
  const option = argv.find((argument) => argument.startsWith('-') && given.has(argument));
  if (option !== undefined)
    throw new ActionError(
      'invalid_params',
      `the argument ${shellWords([option], 100)} comes from the alert and begins with "-": it would be an option`,
      { retryable: false },
    );
}

function failed(name: string, { rc, signal, stdout, stderr }: CommandResult): ActionError {
  const how = rc === null ? `was ended by ${signal ?? 'a signal'}` : `ended with code ${rc}`;
  const said = (stderr.trim() === '' ? stdout : stderr).trim().slice(-SAID_CHARS);
  const message = said === '' ? `${name} ${how}` : `${name} ${how}: ${said}`;
  return new ActionError('rejected', message, { retryable: false });
}
