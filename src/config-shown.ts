import type { Config } from './config.ts';
import { tracingShown } from './config-tracing.ts';
import { formatDuration } from './core/duration.ts';

/** `http://user:password@host` as `http://***@host`, also where it is no valid address. */
export function withoutUserinfo(text: string): string {
  return text.replace(/\/\/.*@/s, '//***@');
}

/** For people: which value each setting has, secrets only as a count. Undefined ones are null. */
export function redacted(config: Config): Readonly<Record<string, string | number | null>> {
  const { chaos, tokens } = config;
  return {
    AUTOHEAL_HOST: config.host,
    AUTOHEAL_PORT: config.port,
    AUTOHEAL_MODE: config.mode,
    AUTOHEAL_DATABASE_URL: `sqlite:${config.database.path}`,
    AUTOHEAL_RULES: config.rules_dir,
    AUTOHEAL_CONFIG: config.policy_file ?? null,
    AUTOHEAL_WEBHOOK_TOKEN: tokens.webhook.length === 0 ? null : `${tokens.webhook.length} set`,
    AUTOHEAL_API_TOKEN:
      tokens.api.length === 0 ? null : tokens.api.map(({ role }) => `${role}:***`).join(','),
    AUTOHEAL_API_RATE_LIMIT: config.api_rate_limit,
    AUTOHEAL_SELF_PROBE:
      config.self_probe_ms === null ? 'off' : formatDuration(config.self_probe_ms),
    AUTOHEAL_AUDIT_KEY: config.audit_key === undefined ? null : 'set',
    AUTOHEAL_PROMETHEUS_URL:
      config.prometheus_url === undefined ? null : withoutUserinfo(config.prometheus_url),
    AUTOHEAL_DOCKER_HOST:
      config.docker_host === undefined ? null : withoutUserinfo(config.docker_host),
    KUBECONFIG: config.kubeconfig ?? null,
    AUTOHEAL_ALERTMANAGER_URL:
      config.alertmanager_urls.length === 0
        ? null
        : config.alertmanager_urls.map(withoutUserinfo).join(','),
    AUTOHEAL_FLAGD_FILE: config.flagd_file ?? null,
    ...tracingShown(config.tracing, withoutUserinfo),
    AUTOHEAL_CHAOS_FAILURE_RATE: chaos.rate_pct,
    AUTOHEAL_CHAOS_SEED: chaos.seed,
    AUTOHEAL_CHAOS_FOR: formatDuration(chaos.for_ms),
    AUTOHEAL_ENV: config.environment,
    AUTOHEAL_LOG_LEVEL: config.log_level,
  };
}
