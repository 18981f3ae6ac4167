import type { Config } from '../config.ts';
import { type Finding, notebook } from './finding.ts';

/** Addresses that only this machine reaches. */
const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/;

/** The environment does not read: nothing else can be looked at. */
export function brokenConfiguration(problems: readonly string[]): readonly Finding[] {
  const note = notebook('configuration');
  for (const problem of problems)
    note.fail(problem, 'correct the variable; docs/reference/configuration.md lists every one');
  return note.findings();
}

const HELD_BACK = {
  paused: 'begins nothing',
  'dry-run': 'previews and does nothing',
  approve: 'asks before each run',
};

export function checkConfiguration(config: Config, notices: readonly string[]): readonly Finding[] {
  const note = notebook('configuration');
  for (const notice of notices) note.warn(notice, 'see docs/configuration.md');
  if (config.mode !== 'auto')
    note.warn(
      `AUTOHEAL_MODE=${config.mode}: autoheal ${HELD_BACK[config.mode]}`,
      'write AUTOHEAL_MODE=auto when it is to act',
    );
  if (config.chaos.rate_pct > 0)
    note.warn(
      `AUTOHEAL_CHAOS_FAILURE_RATE=${config.chaos.rate_pct}: that share of steps fails on purpose`,
      'remove AUTOHEAL_CHAOS_FAILURE_RATE where no drill is planned',
    );
  if (note.findings().length === 0) note.ok('every variable reads');
  return [...note.findings(), ...checkTokens(config)];
}

function checkTokens({ tokens, host }: Config): readonly Finding[] {
  const note = notebook('tokens');
  const local = LOOPBACK.test(host);
  const both = 'set AUTOHEAL_WEBHOOK_TOKEN and AUTOHEAL_API_TOKEN (or their _FILE forms)';
  if (tokens.webhook.length > 0 && tokens.api.length > 0)
    note.ok(`${tokens.webhook.length} for the webhook, ${tokens.api.length} for the API`);
  else if (tokens.webhook.length > 0)
    note.warn(
      'only AUTOHEAL_WEBHOOK_TOKEN is set: nobody can read or change anything through the API',
      'set AUTOHEAL_API_TOKEN too',
    );
  else if (tokens.api.length > 0)
    note.warn(
      'only AUTOHEAL_API_TOKEN is set: Alertmanager would have to carry a token of the API',
      'set AUTOHEAL_WEBHOOK_TOKEN too',
    );
  else if (local) note.ok(`none: only this machine is served (AUTOHEAL_HOST=${host})`);
  else
    note.fail(
      `none, and AUTOHEAL_HOST=${host}: requests from other machines are refused, Alertmanager's too`,
      both,
    );
  return note.findings();
}
