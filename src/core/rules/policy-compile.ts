import { z } from 'zod';
import { formatDuration } from '../duration.ts';
import { type Problem, sortProblems } from './diagnostic.ts';
import { POLICY_GUARD_SHAPES, policyGuardProblems, policyGuardsOf } from './policy-guards.ts';
import { Commands, Databases, Hosts } from './policy-reach.ts';
import { Redact, redactionOf } from './policy-redact.ts';
import { Retention, retentionOf } from './policy-retention.ts';
import type { FlagDeclaration, NotifierConfig, Policy } from './rule.ts';
import { isObject } from './rule-params.ts';
import { durationSchema, issueOf, NAME, NAME_FORM, notYet } from './schema-parts.ts';
import { didYouMean } from '../suggest.ts';
import { parseYaml } from './yaml-parse.ts';
import { problemAtKey, problemOfFile, valueAt, type YamlSource } from './yaml-source.ts';
import { zodProblems } from './zod-problems.ts';

/** UTF-16 units of a policy file, and how many entries its sections take. */
export const POLICY_CHARS_MAX = 256 * 1024;
export const TARGETS_MAX = 1_000;
export const FLAG_TEXT_MAX = 1_000;
const NOTIFIER_TIMEOUT_MS = 10_000;
const NOTIFIER_TIMEOUT_MAX_MS = 60_000;

/** Always declared, so that the shipped rule works without a policy; a policy may declare it anew. */
const SHIPPED_FLAGS: Readonly<Record<string, FlagDeclaration>> = {
  'heuristics-only': {
    default: false,
    summary: 'Applications answer from heuristics and leave the model alone.',
  },
};

const HttpUrl = z.string().superRefine((text, ctx) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    ctx.addIssue(issueOf('is not an http(s) address', 'write it like https://host/path'));
  else if (url.username !== '' || url.password !== '')
    ctx.addIssue(issueOf('carries a password', 'use url_file or bearer_token_file'));
});

const Notifier = z
  .strictObject({
    format: z
      .enum(['slack', 'json'])
      .default('json')
      .describe('`json`: the whole message with its fields. `slack`: `{"text": ...}`.'),
    url: HttpUrl.optional().describe(
      'Where to POST. An http(s) address without user and password.',
    ),
    url_file: z
      .string()
      .min(1)
      .optional()
      .describe('A file with the address. Exactly one of `url` and `url_file`.'),
    bearer_token_file: z
      .string()
      .min(1)
      .optional()
      .describe('A file with a token, sent as `Authorization: Bearer ...`.'),
    timeout: durationSchema(1_000, NOTIFIER_TIMEOUT_MAX_MS)
      .prefault(formatDuration(NOTIFIER_TIMEOUT_MS))
      .describe('For one message.'),
  })
  .superRefine((notifier, ctx) => {
    if ((notifier.url === undefined) === (notifier.url_file === undefined))
      ctx.addIssue(issueOf('needs exactly one of url and url_file', 'write one of the two'));
  });

const Flag = z.strictObject({
  default: z
    .union([z.boolean(), z.number(), z.string().max(FLAG_TEXT_MAX)])
    .describe('The value while nothing has set it. Its type is the type of the flag.'),
  summary: z.string().max(FLAG_TEXT_MAX).default('').describe('For people.'),
});

const Target = z.string().superRefine((text, ctx) => {
  const found = targetProblem(text);
  if (found !== undefined) ctx.addIssue(issueOf(found.message, found.fix));
});

/** `autoheal.yaml`, as it is written. */
export const PolicyFile = z.strictObject({
  notifiers: z
    .record(z.string(), Notifier)
    .prefault({})
    .describe('Whom a rule can name under `otherwise`, and a `notify` step under `notifier`.'),
  flags: z
    .record(z.string(), Flag)
    .default({})
    .describe('Flags that rules may set, and applications read.'),
  targets: z
    .array(Target.meta({ title: 'target' }))
    .max(TARGETS_MAX)
    .default([])
    .describe('Containers and workloads that are opted in by name. Nothing by default.'),
  commands: Commands,
  hosts: Hosts,
  databases: Databases,
  ...POLICY_GUARD_SHAPES,
  retention: Retention,
  redact: Redact,
  allow: notYet('allow-lists'),
  roles: notYet('roles'),
  scopes: notYet('scopes'),
  relays: notYet('relays'),
});
export type PolicyFile = z.output<typeof PolicyFile>;

/**
 * The policy file, checked whole: every problem at once, and a policy only when there is none.
 * Without a file the defaults stand: no notifiers, no targets, the flag `heuristics-only`.
 */
export function compilePolicy(
  input: { readonly file: string; readonly text: string } | undefined,
): { readonly policy?: Policy; readonly problems: readonly Problem[] } {
  if (input === undefined) return { policy: policyOf(PolicyFile.parse({}), ''), problems: [] };
  const { file, text } = input;
  if (text.length > POLICY_CHARS_MAX)
    return {
      problems: [
        problemOfFile(file, `is longer than ${POLICY_CHARS_MAX} characters`, 'shorten it'),
      ],
    };
  const { source, problems } = parseYaml(file, text);
  if (source === undefined) return { problems };
  // A file of comments only is an empty policy.
  const value = source.value ?? {};
  if (!isObject(value))
    return {
      problems: [problemOfFile(file, 'a policy is a map of sections', 'begin with notifiers:')],
    };
  const parsed = PolicyFile.safeParse(value);
  const found = [
    ...(parsed.success ? [] : zodProblems(source, parsed.error.issues, PolicyFile)),
    ...checkNames(source, 'notifiers'),
    ...checkNames(source, 'flags'),
    ...checkNames(source, 'databases'),
    ...policyGuardProblems(source),
  ];
  if (!parsed.success || found.length > 0) return { problems: sortProblems(found) };
  return { policy: policyOf(parsed.data, file), problems };
}

function checkNames(
  source: YamlSource,
  section: 'notifiers' | 'flags' | 'databases',
): readonly Problem[] {
  const entries = valueAt(source, [section]);
  if (!isObject(entries)) return [];
  return Object.keys(entries).flatMap((name) => {
    const path = [section, name];
    if (section === 'notifiers' && name === 'log') {
      const message = 'notifiers.log: "log" is built in: it writes to the service\'s log';
      return [problemAtKey(source, path, message, 'give it another name')];
    }
    if (NAME.test(name)) return [];
    return [problemAtKey(source, path, `${section}: "${name}" is no name`, `use ${NAME_FORM}`)];
  });
}

function policyOf(parsed: PolicyFile, file: string): Policy {
  const notifiers = Object.entries(parsed.notifiers).map(([name, notifier]) => [
    name,
    notifierOf(notifier),
  ]);
  return {
    notifiers: Object.fromEntries(notifiers) as Policy['notifiers'],
    flags: { ...SHIPPED_FLAGS, ...parsed.flags },
    targets: parsed.targets,
    commands: parsed.commands,
    hosts: parsed.hosts,
    databases: parsed.databases,
    ...policyGuardsOf(parsed),
    retention: retentionOf(parsed.retention),
    redact: redactionOf(parsed.redact),
    file,
  };
}

function notifierOf(notifier: PolicyFile['notifiers'][string]): NotifierConfig {
  return {
    format: notifier.format,
    url: notifier.url ?? null,
    url_file: notifier.url_file ?? null,
    bearer_token_file: notifier.bearer_token_file ?? null,
    timeout_ms: notifier.timeout,
  };
}

/**
 * The text with what may be secret in addresses starred out, at the same length so that carets stay
 * where they are: a webhook's address is its password, and problems reach logs and the audit log.
 */
export function maskAddresses(text: string): string {
  return text.replace(
    /(:\/\/|\burl["']?[ \t]*:[ \t]*["']?)([^\s"',}\]]+)/g,
    (_, before: string, address: string) => before + '*'.repeat(address.length),
  );
}

/* ---------------------------------------------------------------- targets */

const TARGET_FORMS =
  'docker/<name>, compose/<service>, swarm/<service> or k8s/<namespace>/<kind>/<name>';
const K8S_KINDS = ['deployment', 'statefulset', 'replicaset', 'daemonset', 'pod'];
/** Segments after the first. */
const SEGMENTS: Readonly<Record<string, readonly number[]>> = {
  docker: [1],
  compose: [1, 2],
  swarm: [1],
  k8s: [3],
};

function targetProblem(
  text: string,
): { readonly message: string; readonly fix: string } | undefined {
  const [first = '', ...rest] = text.split('/');
  const counts = Object.hasOwn(SEGMENTS, first) ? SEGMENTS[first] : undefined;
  if (counts === undefined)
    return { message: `"${first}" is no kind of target`, fix: `write ${TARGET_FORMS}` };
  if (!counts.includes(rest.length) || rest.includes(''))
    return { message: `"${text}" does not name a target`, fix: `write ${TARGET_FORMS}` };
  if (/\s/.test(text)) return { message: 'holds a blank', fix: 'remove it' };
  const star = text.indexOf('*');
  if (star !== -1 && star !== text.length - 1)
    return { message: 'a * may only end the last part', fix: 'write the rest out' };
  const [, kind = ''] = rest;
  if (first === 'k8s' && !K8S_KINDS.includes(kind))
    return { message: `"${kind}" is no kind of workload`, fix: didYouMean(kind, K8S_KINDS) };
  return undefined;
}

/**
 * Does the policy's `targets` opt this target in? An entry names the target's id, or the kind (the
 * id's first segment) and what people call it; a `*` at its end stands for the rest of that segment.
 */
export function policyAllows(policy: Policy, target_id: string, name: string): boolean {
  const [kind = ''] = target_id.split('/');
  const names = [target_id, `${kind}/${name}`];
  return policy.targets.some((entry) => names.some((candidate) => entryMatches(entry, candidate)));
}

function entryMatches(entry: string, candidate: string): boolean {
  if (!entry.endsWith('*')) return entry === candidate;
  const prefix = entry.slice(0, -1);
  return candidate.startsWith(prefix) && !candidate.slice(prefix.length).includes('/');
}
