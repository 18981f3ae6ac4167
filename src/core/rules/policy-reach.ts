import { z } from 'zod';
import { issueOf } from './schema-parts.ts';

/** The policy's allow-lists: programs, origins and databases that actions may reach. */

/** Entries of each list, arguments of one command, and characters of one argument. */
export const COMMANDS_MAX = 100;
export const HOSTS_MAX = 100;
export const DATABASES_MAX = 20;
export const ARGUMENTS_MAX = 50;
export const ARGUMENT_CHARS_MAX = 1_000;

interface Wrong {
  readonly message: string;
  readonly fix: string;
}

/**
 * Programs that run what their arguments say: to allow one is to allow everything. Shells,
 * interpreters, and those that start another program, as another user or elsewhere. A version behind
 * the name does not count: `python3.12` is `python`.
 */
const RUNS_ANYTHING: ReadonlySet<string> = new Set(
  `sh bash dash ash zsh ksh mksh csh tcsh fish busybox toybox pwsh
  python pypy perl ruby node nodejs deno bun php lua awk gawk mawk tclsh expect osascript java make
  env sudo su doas pkexec runuser setpriv chroot nsenter unshare systemd-run start-stop-daemon
  nohup setsid timeout time nice ionice taskset stdbuf xargs parallel find watch script flock
  ssh strace gdb`.split(/\s+/),
);

/** The program of a command, then its arguments. */
const Command = z
  .array(
    z
      .string()
      .max(ARGUMENT_CHARS_MAX)
      .describe(
        'The program as an absolute path, then its arguments: written out, or ending with a `*`.',
      ),
  )
  .min(1)
  .max(ARGUMENTS_MAX)
  .superRefine((argv, ctx) => {
    for (const [at, argument] of argv.entries()) {
      const wrong = at === 0 ? wrongProgram(argument) : wrongArgument(argument);
      if (wrong !== undefined)
        ctx.addIssue({ ...issueOf(wrong.message, wrong.fix), path: [at], input: argument });
    }
  });

function wrongProgram(path: string): Wrong | undefined {
  if (path.includes('*'))
    return { message: "a program's path takes no *", fix: 'name each program on its own line' };
  if (!path.startsWith('/'))
    return { message: 'must begin with an absolute path', fix: 'write it like /usr/bin/systemctl' };
  if (path.endsWith('/') || /\/(?:\/|\.{1,2}(?:\/|$))/.test(path))
    return { message: 'is not a plain path of a program', fix: 'write it without //, . and ..' };
  if (hasControls(path)) return CONTROLS;
  if (!runsAnything(path)) return undefined;
  return {
    message: `${path} runs whatever its arguments say`,
    fix: 'put the commands in a script that begins with #!, and allow the path of the script',
  };
}

/** Is it a shell, an interpreter, or a program that starts others? */
function runsAnything(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  return RUNS_ANYTHING.has(name) || RUNS_ANYTHING.has(name.replace(/[-.\d]+$/, ''));
}

function wrongArgument(argument: string): Wrong | undefined {
  if (hasControls(argument)) return CONTROLS;
  const star = argument.indexOf('*');
  if (star === -1) return undefined;
  if (star !== argument.length - 1)
    return { message: 'a * may only end an argument', fix: 'write the rest out' };
  if (!/^-+\*$/.test(argument)) return undefined;
  return {
    message: `${argument} would let an alert choose any option`,
    fix: 'write the option out, such as --unit=*',
  };
}

const CONTROLS: Wrong = { message: 'holds a control character', fix: 'remove it' };

function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

const ORIGIN_FORM = 'write it like https://crm.example.com or http://127.0.0.1:8080';

/** An origin; in the form that URLs have theirs in, once parsed. */
const Host = z
  .string()
  .meta({ title: 'origin (scheme, host, perhaps a port)' })
  .transform((text, ctx) => {
    const wrong = wrongOrigin(text);
    if (wrong === undefined) return new URL(text).origin;
    ctx.addIssue(issueOf(wrong.message, wrong.fix));
    return z.NEVER;
  });

function wrongOrigin(text: string): Wrong | undefined {
  if (text.includes('*'))
    return { message: 'an origin takes no *', fix: 'name each host on its own line' };
  const url =
    /^https?:\/\/[^/?#\\\s]+\/?$/i.test(text) && URL.canParse(text) ? new URL(text) : null;
  if (url === null)
    return { message: 'is not an origin: a scheme, a host and perhaps a port', fix: ORIGIN_FORM };
  if (url.username !== '' || url.password !== '')
    return { message: 'carries a user', fix: 'use bearer_token_file in the step' };
  return undefined;
}

const PostgresUrl = z.string().superRefine((text, ctx) => {
  const url = /^postgres(?:ql)?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined)
    ctx.addIssue(
      issueOf('is not the address of a PostgreSQL', 'write it like postgres://user@host:5432/name'),
    );
  else if (url.password !== '' || url.searchParams.has('password'))
    ctx.addIssue(issueOf('carries a password', 'put the whole address in a file: url_file'));
});

const Database = z
  .strictObject({
    url: PostgresUrl.optional().describe('`postgres://user@host:port/name`, without a password.'),
    url_file: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A file with the address, where it has a password. Exactly one of `url` and `url_file`.',
      ),
  })
  .superRefine((database, ctx) => {
    if ((database.url === undefined) === (database.url_file === undefined))
      ctx.addIssue(issueOf('needs exactly one of url and url_file', 'write one of the two'));
  })
  .transform(({ url, url_file }) => ({ url: url ?? null, url_file: url_file ?? null }));

export const Commands = z
  .array(Command)
  .max(COMMANDS_MAX)
  .default([])
  .describe('What `run_command` may run, each as the list of its arguments. Nothing by default.');
export const Hosts = z
  .array(Host)
  .max(HOSTS_MAX)
  .prefault([])
  .describe('Where `http_request` may send to. Nothing by default. There are no wildcards.');
export const Databases = z
  .record(z.string(), Database)
  .meta({ maxProperties: DATABASES_MAX })
  .superRefine((databases, ctx) => {
    if (Object.keys(databases).length > DATABASES_MAX)
      ctx.addIssue(issueOf(`has more than ${DATABASES_MAX} databases`, 'name fewer'));
  })
  .prefault({})
  .describe(
    'PostgreSQL databases that `cancel_queries` may talk to, by the name that rules use. To name one here is to opt it in.',
  );
