import type { Policy } from './rule.ts';

/**
 * Does the policy's `commands` hold a line that the whole argv fits, argument by argument? Null: an
 * argument that is not known yet, and may fit.
 */
export function commandAllowed(
  commands: Policy['commands'],
  argv: readonly (string | null)[],
): boolean {
  return commands.some(
    (line) =>
      line.length === argv.length &&
      line.every((pattern, at) => argv[at] === null || argumentFits(pattern, argv[at] ?? '')),
  );
}

/**
 * A `*` at the end stands for one character or more of this one argument. What it stands for comes
 * from an alert, so it is never an option of its own, and never leads out of a folder.
 */
function argumentFits(pattern: string, argument: string): boolean {
  if (!pattern.endsWith('*')) return pattern === argument;
  const prefix = pattern.slice(0, -1);
  if (!argument.startsWith(prefix) || argument.length === prefix.length) return false;
  if (prefix === '' && argument.startsWith('-')) return false;
  return climbs(prefix) || !climbs(argument);
}

function climbs(text: string): boolean {
  return /(?:^|[/=:])\.\.(?:\/|$)/.test(text);
}

/** Is the address's origin in the policy's `hosts`? */
export function hostAllowed(hosts: Policy['hosts'], url: URL): boolean {
  return hosts.includes(url.origin);
}

/** What actions may reach, by the policy of the moment; without a policy nothing. */
export function createAllowed(policyOf: () => Pick<Policy, 'commands' | 'hosts'> | undefined): {
  readonly command: (argv: readonly string[]) => boolean;
  readonly host: (url: URL) => boolean;
} {
  return {
    command: (argv) => commandAllowed(policyOf()?.commands ?? [], argv),
    host: (url) => hostAllowed(policyOf()?.hosts ?? [], url),
  };
}
