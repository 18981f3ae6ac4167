import type { z } from 'zod';
import {
  anyText,
  auditKey,
  databaseUrl,
  dockerHost,
  durationOrOff,
  durationUpTo,
  httpUrl,
  httpUrls,
  listenHost,
  oneOf,
  otlpHeaders,
  onOff,
  percent,
  roleTokens,
  sentryDsn,
  webhookTokens,
  wholeNumber,
} from './core/settings.ts';
import { ROLES } from './http/deps.ts';

export const ENVIRONMENTS = ['production', 'staging', 'development', 'test', 'demo'] as const;
export type EnvironmentName = (typeof ENVIRONMENTS)[number];
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What of a value must never be shown: all of it, or user and password of an address. */
export type Secret = 'all' | 'userinfo' | 'none';
export interface Variable<S extends z.ZodType> {
  readonly schema: S;
  /** As one would write it; null: unset. */
  readonly fallback: string | null;
  readonly secret: Secret;
  readonly summary: string;
}
type Parser<T> = z.ZodType<T, string>;

function given<T>(schema: Parser<T>, fallback: string, summary: string): Variable<Parser<T>> {
  return { schema, fallback, secret: 'none', summary };
}
function optional<T>(schema: Parser<T>, summary: string, secret: Secret = 'none') {
  return { schema: schema.optional(), fallback: null, secret, summary };
}

function words(list: readonly string[]): string {
  return list.map((word) => `\`${word}\``).join(', ');
}

const DAY_MS = 86_400_000;

/** Every variable that autoheal reads. docs/reference/configuration.md is made of it. */
export const VARIABLES = {
  AUTOHEAL_HOST: given(
    listenHost,
    '127.0.0.1',
    'Address to listen on. Without any token only this machine is served, whatever stands here.',
  ),
  AUTOHEAL_PORT: given(wholeNumber(0, 65_535), '9009', 'Port to listen on; 0 takes a free one.'),
  AUTOHEAL_MODE: given(
    oneOf(['auto', 'approve', 'dry-run', 'paused']),
    'auto',
    '`auto` acts, `approve` asks a person before each plan, `dry-run` previews what it would do, `paused` begins nothing. Where a rule says something stricter, the rule wins. What is paused here, the API cannot lift.',
  ),
  AUTOHEAL_DATABASE_URL: {
    ...given(databaseUrl, 'sqlite:./data/autoheal.db', 'Where everything is kept: `sqlite:PATH`.'),
    secret: 'userinfo',
  },
  AUTOHEAL_RULES: optional(
    anyText,
    'Folder of the rules. Unset: the rules that ship with autoheal.',
  ),
  AUTOHEAL_CONFIG: optional(
    anyText,
    'The policy file. Unset: `./autoheal.yaml` where there is one.',
  ),
  AUTOHEAL_WEBHOOK_TOKEN: optional(
    webhookTokens,
    'Bearer token that `POST /webhook` asks for. Several, separated by commas, all count, so that one can be rotated without a gap.',
    'all',
  ),
  AUTOHEAL_API_TOKEN: optional(
    roleTokens(ROLES, 'admin'),
    'Bearer token of the API. `viewer:TOKEN`, `operator:TOKEN` or `admin:TOKEN`; without a role it is admin. Several, separated by commas.',
    'all',
  ),
  AUTOHEAL_API_RATE_LIMIT: given(
    wholeNumber(0, 1_000_000),
    '6000',
    'Requests a minute that one client of the API may send, by its token, else by its address; more get 429 with `Retry-After`. 0: no limit. `/webhook`, health and metrics have none.',
  ),
  AUTOHEAL_SELF_PROBE: given(
    durationOrOff(5_000, 60_000, '5s to 1m'),
    '15s',
    'How often autoheal posts a delivery to its own listener and sees whether it reaches the disk, from 5s to 1m; `off`: never. It is in no list and no number of deliveries, and its alert is `AutohealSelfProbeFailing`.',
  ),
  AUTOHEAL_AUDIT_KEY: optional(
    auditKey,
    'Key of the audit chain: with it the hashes are HMAC-SHA-256 and cannot be made anew by somebody who can write to the database.',
    'all',
  ),
  AUTOHEAL_PROMETHEUS_URL: optional(
    httpUrl,
    'Prometheus, for `promql` in `verify` and `when`, and asked by reconcile whether an alert still fires. User and password in it are sent as Basic.',
    'userinfo',
  ),
  AUTOHEAL_DOCKER_HOST: optional(
    dockerHost,
    'Docker engine. Unset: `DOCKER_HOST`, else `/var/run/docker.sock` where there is one.',
  ),
  DOCKER_HOST: optional(anyText, "Docker's own variable; `AUTOHEAL_DOCKER_HOST` goes before it."),
  KUBECONFIG: optional(
    anyText,
    "Kubernetes' own variable. Unset: the service account of the pod, where there is one.",
  ),
  AUTOHEAL_CHAOS_FAILURE_RATE: given(
    percent,
    '0',
    'Percent of steps that fail on purpose, from 0 to 100: `5` is five of a hundred. 0 is off.',
  ),
  AUTOHEAL_CHAOS_SEED: given(
    wholeNumber(0, 4_294_967_295),
    '1',
    'Seed of the draws: the same seed gives the same failures.',
  ),
  AUTOHEAL_CHAOS_FOR: given(
    durationUpTo(DAY_MS, '24h'),
    '15m',
    'How long it lasts, at most 24h. A restart resumes what remains; only a changed setting arms anew.',
  ),
  AUTOHEAL_CHAOS_ALLOW_PRODUCTION: given(
    onOff,
    'false',
    'The second setting that `AUTOHEAL_ENV=production` asks for before steps fail on purpose.',
  ),
  AUTOHEAL_ENV: given(
    oneOf(ENVIRONMENTS),
    'development',
    `What this installation is: ${words(ENVIRONMENTS)}.`,
  ),
  AUTOHEAL_LOG_LEVEL: given(
    oneOf(LOG_LEVELS),
    'info',
    `The mildest lines that are logged: ${words(LOG_LEVELS)}.`,
  ),
  AUTOHEAL_FLAGD_FILE: optional(
    anyText,
    'A file to keep the flags in, as a flagd definition, for those who read flags from disk. Unset: none.',
  ),
  AUTOHEAL_URL: optional(
    anyText,
    'Read by the command line only: where its commands find the service. Unset: `http://127.0.0.1:9009`.',
  ),
  AUTOHEAL_ALERTMANAGER_URL: optional(
    httpUrls,
    'Alertmanager, asked whether an alert still fires, is silenced, or was never told. All members of a cluster, separated by commas. User and password in it are sent as Basic.',
    'userinfo',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(
    httpUrl,
    'Collector that takes OTLP over HTTP; traces go to `/v1/traces` below it. Unset: no traces. User and password in it are sent as Basic.',
    'userinfo',
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: optional(
    httpUrl,
    'Where traces go, taken as it is; goes before `OTEL_EXPORTER_OTLP_ENDPOINT`.',
    'userinfo',
  ),
  OTEL_EXPORTER_OTLP_HEADERS: optional(
    otlpHeaders,
    'Headers for the collector: `name=value`, several separated by commas.',
    'all',
  ),
  OTEL_ENABLED: given(onOff, 'true', '`false`: no traces, whatever the endpoint says.'),
  SENTRY_DSN: optional(
    sentryDsn,
    "Where errors that nobody expected are reported to, by Sentry's SDK: their type and stack, never a message that could quote an alert. Unset: nowhere, and the SDK is not loaded.",
    'all',
  ),
  OTEL_SERVICE_NAME: given(anyText, 'autoheal', 'What this service is called in traces.'),
} as const satisfies Record<string, Variable<z.ZodType>>;
export type VariableName = keyof typeof VARIABLES;
export const VARIABLE_NAMES = Object.keys(VARIABLES) as VariableName[];
/** The variable that names a file with the secret; undefined where the value is none. */
export function fileVariable(name: VariableName): string | undefined {
  return VARIABLES[name].secret === 'none' ? undefined : `${name}_FILE`;
}
