import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import {
  type EnvironmentName,
  fileVariable,
  type LogLevel,
  VARIABLE_NAMES,
  type VariableName,
  VARIABLES,
} from './config-variables.ts';
import { withoutUserinfo } from './config-shown.ts';
import { isServiceLink, LINKED_PORT, SERVICE_LINK_PORT } from './config-links.ts';
import { type TracingSettings, tracingOf } from './config-tracing.ts';
import type { DatabaseLocation } from './core/settings.ts';
import { didYouMean } from './core/suggest.ts';
import type { Tokens } from './http/deps.ts';

export { redacted } from './config-shown.ts';

/** Everything that the environment says, checked. Paths are as written: relative to the working folder. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly mode: 'auto' | 'approve' | 'dry-run' | 'paused';
  readonly database: DatabaseLocation;
  readonly rules_dir: string;
  /** Undefined: there is no policy file. */
  readonly policy_file: string | undefined;
  readonly tokens: Tokens;
  readonly audit_key: string | undefined;
  readonly prometheus_url: string | undefined;
  /** AUTOHEAL_DOCKER_HOST, else DOCKER_HOST; undefined: the default socket. */
  readonly docker_host: string | undefined;
  readonly kubeconfig: string | undefined;
  /** Members of one cluster; empty: not configured. */
  readonly alertmanager_urls: readonly string[];
  /** Where the flags are kept as a flagd definition. */
  readonly flagd_file: string | undefined;
  readonly chaos: { readonly rate_pct: number; readonly seed: number; readonly for_ms: number };
  readonly tracing: TracingSettings;
  /** Requests a minute of one client; 0: not limited. */
  readonly api_rate_limit: number;
  /** Null: never. */
  readonly self_probe_ms: number | null;
  readonly environment: EnvironmentName;
  readonly log_level: LogLevel;
}

export type Env = Readonly<Record<string, string | undefined>>;
/** The text of a file. @throws an error with a `code`, as node:fs does. */
export type ReadFile = (path: string) => string;
export type LoadedConfig =
  | { readonly ok: true; readonly config: Config; readonly notices: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

type Shape = { readonly [K in VariableName]: (typeof VARIABLES)[K]['schema'] };
const Environment = z.object(
  Object.fromEntries(VARIABLE_NAMES.map((name) => [name, VARIABLES[name].schema])) as Shape,
);
type Values = z.output<typeof Environment>;

/** What was given for one variable, and from which file where it came from one. */
interface Given {
  readonly text: string;
  readonly file: string | null;
}
interface Gathered {
  readonly given: Map<VariableName, Given>;
  readonly problems: string[];
  readonly notices: string[];
}

/**
 * The configuration, or every problem at once. Each problem names the variable, what was given (a
 * secret only by its length) and what to write. `notices` are for the log of a start that goes on.
 */
export function loadConfig(env: Env, readFile: ReadFile): LoadedConfig {
  const gathered = gather(env, readFile);
  const { given, problems, notices } = gathered;
  const texts = VARIABLE_NAMES.map((name) => [
    name,
    given.get(name)?.text ?? VARIABLES[name].fallback ?? undefined,
  ]);
  const parsed = Environment.safeParse(Object.fromEntries(texts));
  for (const issue of parsed.error?.issues ?? []) {
    const name = issue.path[0] as VariableName;
    problems.push(`${shown(name, given.get(name))}: ${issue.message}`);
  }
  const policy_file = policyFile(given.get('AUTOHEAL_CONFIG')?.text, readFile, problems);
  if (parsed.success) problems.push(...contradictions(parsed.data));
  if (!parsed.success || problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    config: assemble(parsed.data, policy_file),
    notices: [...notices, ...advice(parsed.data)],
  };
}

/* ---------------------------------------------------------------- gathering */

function gather(env: Env, readFile: ReadFile): Gathered {
  const gathered: Gathered = { given: new Map(), problems: [], notices: [] };
  for (const name of VARIABLE_NAMES) gatherOne(name, env, readFile, gathered);
  for (const [name, value] of Object.entries(env))
    if (!isKnown(name) && !isServiceLink(name, value ?? ''))
      gathered.problems.push(unknown(name, value));
  return gathered;
}

function gatherOne(name: VariableName, env: Env, readFile: ReadFile, to: Gathered): void {
  const file_name = fileVariable(name);
  const file = file_name === undefined ? '' : (env[file_name] ?? '');
  const text = env[name] ?? '';
  if (text !== '' && file !== '')
    to.problems.push(`${name} and ${file_name} are both set: write one of them`);
  else if (file !== '') gatherFile(name, file, readFile, to);
  else if (name === 'AUTOHEAL_PORT' && SERVICE_LINK_PORT.test(text)) to.notices.push(LINKED_PORT);
  else if (text !== '') to.given.set(name, { text: text.trim(), file: null });
  else if (env[name] === '' && name.startsWith('AUTOHEAL_'))
    to.notices.push(`${name} is set to nothing: taken as unset`);
}

function gatherFile(name: VariableName, file: string, readFile: ReadFile, to: Gathered): void {
  try {
    const text = readFile(file).trim();
    if (text === '') to.problems.push(`${name}_FILE=${file}: the file is empty`);
    else to.given.set(name, { text, file });
  } catch (error) {
    to.problems.push(`${name}_FILE=${file}: the file cannot be read (${codeOf(error)})`);
  }
}

const FILE_VARIABLES: readonly string[] = VARIABLE_NAMES.flatMap(
  (name) => fileVariable(name) ?? [],
);
const KNOWN: readonly string[] = [...VARIABLE_NAMES, ...FILE_VARIABLES];

/** A mistyped variable of ours must not quietly leave a setting at its default. */
function isKnown(name: string): boolean {
  return !name.startsWith('AUTOHEAL_') || KNOWN.includes(name);
}

function unknown(name: string, value: string | undefined): string {
  const hint = didYouMean(name, KNOWN);
  const fix = hint.startsWith('did') ? hint : 'docs/reference/configuration.md lists what there is';
  // The name may be a mistyped secret's, so the value is not shown.
  return `${name} (${(value ?? '').length} characters): there is no such variable; ${fix}`;
}

/* ---------------------------------------------------------------- checking */

/** Set: must be readable. Unset: the one in the working folder, where there is one. */
function policyFile(
  named: string | undefined,
  readFile: ReadFile,
  problems: string[],
): string | undefined {
  const path = named ?? DEFAULT_POLICY;
  try {
    readFile(path);
    return path;
  } catch (error) {
    const code = codeOf(error);
    if (named === undefined && code === 'ENOENT') return undefined;
    problems.push(`AUTOHEAL_CONFIG=${path}: the policy file cannot be read (${code})`);
    return undefined;
  }
}
const DEFAULT_POLICY = './autoheal.yaml';

function contradictions(values: Values): readonly string[] {
  const rate_pct = values.AUTOHEAL_CHAOS_FAILURE_RATE;
  const guarded = values.AUTOHEAL_ENV === 'production' && !values.AUTOHEAL_CHAOS_ALLOW_PRODUCTION;
  if (rate_pct === 0 || !guarded) return [];
  return [
    `AUTOHEAL_CHAOS_FAILURE_RATE=${rate_pct}: with AUTOHEAL_ENV=production steps fail on purpose only when AUTOHEAL_CHAOS_ALLOW_PRODUCTION=true says so too`,
  ];
}

const SHORT_SECRET_CHARS = 16;

function advice(values: Values): readonly string[] {
  const notices: string[] = [];
  const rate_pct = values.AUTOHEAL_CHAOS_FAILURE_RATE;
  if (rate_pct > 0 && rate_pct < 1)
    notices.push(`AUTOHEAL_CHAOS_FAILURE_RATE is ${rate_pct} percent, not ${rate_pct * 100}`);
  const secrets = {
    AUTOHEAL_WEBHOOK_TOKEN: values.AUTOHEAL_WEBHOOK_TOKEN ?? [],
    AUTOHEAL_API_TOKEN: (values.AUTOHEAL_API_TOKEN ?? []).map(({ token }) => token),
    AUTOHEAL_AUDIT_KEY: values.AUTOHEAL_AUDIT_KEY === undefined ? [] : [values.AUTOHEAL_AUDIT_KEY],
  };
  for (const [name, list] of Object.entries(secrets))
    if (list.some((secret) => secret.length < SHORT_SECRET_CHARS))
      notices.push(`${name} is shorter than ${SHORT_SECRET_CHARS} characters: it can be guessed`);
  return notices;
}

/** In the source tree one level up from here, in a build two. */
function shippedRules(): string {
  const near = fileURLToPath(new URL('../rules', import.meta.url));
  return existsSync(near) ? near : fileURLToPath(new URL('../../rules', import.meta.url));
}

function assemble(values: Values, policy_file: string | undefined): Config {
  return {
    host: values.AUTOHEAL_HOST,
    port: values.AUTOHEAL_PORT,
    mode: values.AUTOHEAL_MODE,
    database: values.AUTOHEAL_DATABASE_URL,
    rules_dir: values.AUTOHEAL_RULES ?? shippedRules(),
    policy_file,
    tokens: {
      webhook: values.AUTOHEAL_WEBHOOK_TOKEN ?? [],
      api: values.AUTOHEAL_API_TOKEN ?? [],
    },
    audit_key: values.AUTOHEAL_AUDIT_KEY,
    prometheus_url: values.AUTOHEAL_PROMETHEUS_URL,
    docker_host: values.AUTOHEAL_DOCKER_HOST ?? values.DOCKER_HOST,
    kubeconfig: values.KUBECONFIG,
    alertmanager_urls: values.AUTOHEAL_ALERTMANAGER_URL ?? [],
    flagd_file: values.AUTOHEAL_FLAGD_FILE,
    chaos: {
      rate_pct: values.AUTOHEAL_CHAOS_FAILURE_RATE,
      seed: values.AUTOHEAL_CHAOS_SEED,
      for_ms: values.AUTOHEAL_CHAOS_FOR,
    },
    tracing: tracingOf(values),
    api_rate_limit: values.AUTOHEAL_API_RATE_LIMIT,
    self_probe_ms: values.AUTOHEAL_SELF_PROBE,
    environment: values.AUTOHEAL_ENV,
    log_level: values.AUTOHEAL_LOG_LEVEL,
  };
}

/* ---------------------------------------------------------------- showing */

const SHOWN_MAX_CHARS = 80;

function shown(name: VariableName, given: Given | undefined): string {
  const text = given?.text ?? VARIABLES[name].fallback ?? '';
  const from = given?.file ? `${name}_FILE=${given.file}` : name;
  if (VARIABLES[name].secret === 'all') return `${from} (${text.length} characters)`;
  const safe = VARIABLES[name].secret === 'userinfo' ? withoutUserinfo(text) : text;
  const cut = safe.length > SHOWN_MAX_CHARS ? `${safe.slice(0, SHOWN_MAX_CHARS)}...` : safe;
  // Quoted where a control character or a space would mislead.
  const plain = /^[!-~]*$/.test(cut) ? cut : JSON.stringify(cut);
  return given?.file ? `${from} (it says ${plain})` : `${from}=${plain}`;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unreadable';
}
