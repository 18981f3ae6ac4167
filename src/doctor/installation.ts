import type { Config, Env } from '../config.ts';
import type { RuleSet } from '../core/rules/rule.ts';
import type { Finding } from './finding.ts';
import type { Needs } from './needs.ts';

/** What is looked at: the environment as `serve` would read it, and the rules where they compile. */
export interface Installation {
  readonly env: Env;
  readonly config: Config;
  /** Undefined where rules or policy do not compile. */
  readonly rules: RuleSet | undefined;
  readonly needs: Needs;
  /** Nobody chose the rules: they are the ones that ship. What they lack is a warning, not a failure. */
  readonly shipped_rules: boolean;
}

/** Looks at one part. Bounded in time; what it throws is taken for a failure of the check itself. */
export type Check = (of: Installation) => Promise<readonly Finding[]>;

/** Where the service is asked: AUTOHEAL_URL, else the address that it would listen on. */
export function serviceUrl({ env, config }: Pick<Installation, 'env' | 'config'>): string {
  const given = env['AUTOHEAL_URL'] ?? '';
  if (given !== '') return given;
  const any = ['0.0.0.0', '::'].includes(config.host);
  const host = any ? '127.0.0.1' : config.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${config.port}`;
}
