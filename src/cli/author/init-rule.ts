/** The first rule of somebody who starts, its test, and what the policy needs for it, as text. */

export const FIRST_ACTIONS = ['restart_container', 'set_flag', 'scale_workers', 'notify'] as const;
export type FirstAction = (typeof FIRST_ACTIONS)[number];

export interface Wanted {
  readonly alertname: string;
  readonly action: FirstAction;
  readonly runbook: string | undefined;
}

/** What differs from action to action. Each list is lines of YAML as they stand in the file. */
interface Shape {
  readonly summary: string;
  readonly matchers: readonly string[];
  readonly step: readonly string[];
  /** Labels of the test's alert besides `alertname`. */
  readonly labels: string;
  /** What `autoheal send` has to be told. */
  readonly send: string;
  readonly test: string;
  readonly world: readonly string[];
  readonly expect: readonly string[];
  readonly policy: readonly string[];
  /** A further test, whole. */
  readonly more?: readonly string[];
}

const SHAPES: Readonly<Record<FirstAction, Shape>> = {
  restart_container: {
    summary: 'Restart the container that the alert names.',
    matchers: [`  - 'container=~".+"'                 # the alert has to say which container`],
    step: [
      '  - action: restart_container',
      "    with: { container: '{{ labels.container }}' }",
      '    verify: { within: 5m, resolved: true }   # an exit code is no evidence: the alert has to resolve',
    ],
    labels: ', container: web',
    send: ' --label container=web',
    test: 'restarts the container, and is done when the alert resolves',
    world: ['      targets:', '        docker/web: { opted_in: true, health: healthy }'],
    expect: [
      '      - { at: 0s, kind: action_ok, action: restart_container, target: docker/web }',
      '      - { at: 2m, kind: remediation_done, result: healed }',
    ],
    policy: [],
    more: [
      '  - name: leaves a container alone that has not opted in',
      '    world: { targets: { docker/web: { opted_in: false } } }',
      '    timeline:',
      '      - { at: 0s, fire: { labels: { alertname: NAME, container: web } } }',
      '    expect:',
      '      - { at: 0s, kind: decision_skip, reason: not_opted_in }',
      '      - { at: 0s, kind: remediation_done, result: refused }',
    ],
  },
  set_flag: {
    summary: 'Set a flag that applications read, for as long as the alert fires.',
    matchers: [],
    step: [
      '  - action: set_flag',
      '    with: { flag: heuristics-only, value: true }',
      '    lease: 30m                            # taken back when the alert resolves, at the latest 30m after its last word',
    ],
    labels: '',
    send: '',
    test: 'sets the flag, and takes it back when the alert resolves',
    world: ['      flags: { heuristics-only: false }'],
    expect: [
      '      - { at: 0s, kind: action_ok, action: set_flag, target: flag/heuristics-only }',
      '      - { at: 2m, kind: remediation_done, result: healed }',
      '      - { at: 2m, kind: revert_ok, target: flag/heuristics-only }',
    ],
    policy: [],
  },
  scale_workers: {
    summary: 'Add a worker for as long as the alert fires.',
    matchers: [],
    step: [
      '  - action: scale_workers',
      "    with: { workload: 'compose/import-worker', by: +1, max: 4 }",
      '    lease: 30m                            # taken back when the alert resolves, at the latest 30m after its last word',
    ],
    labels: '',
    send: '',
    test: 'adds a worker, and takes it back when the alert resolves',
    world: [
      '      targets:',
      '        compose/import-worker: { value: { replicas: 2 }, opted_in: true }',
    ],
    expect: [
      '      - { at: 0s, kind: action_ok, action: scale_workers, target: compose/import-worker }',
      '      - { at: 2m, kind: remediation_done, result: healed }',
      '      - { at: 2m, kind: revert_ok, target: compose/import-worker }',
    ],
    policy: [],
  },
  notify: {
    summary: 'Tell the team.',
    matchers: [],
    step: [
      '  - action: notify',
      '    with:',
      '      notifier: team',
      `      message: '{{ labels.alertname }}: {{ annotations.summary | default "no summary" }}'`,
    ],
    labels: '',
    send: '',
    test: 'tells the team, and is done when the alert resolves',
    world: ['      alertmanager: absent'],
    expect: [
      '      - { at: 0s, kind: action_ok, action: notify }',
      '      - { at: 2m, kind: remediation_done, result: healed }',
    ],
    policy: [
      'notifiers:',
      '  team:',
      '    format: slack                         # {"text": ...}; json: the whole message with its fields',
      '    url: https://chat.example.com/hooks/change-me',
    ],
  },
};

/** `AIErrorRateHigh` -> `ai-error-rate-high`; a rule's name is its file's. */
export function ruleNameFor(alertname: string): string {
  const name = alertname
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, NAME_CHARS)
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'first-rule' : name;
}
const NAME_CHARS = 60;

/** In single quotes of YAML. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name that YAML would read as a number or the like needs quotes. */
function plainOrQuoted(name: string): string {
  return /^(?:true|false|null|\d.*)$/.test(name) ? quoted(name) : name;
}

function matcherOf(alertname: string): string {
  const value = alertname.replaceAll('\\', String.raw`\\`).replaceAll('"', String.raw`\"`);
  return quoted(`alertname="${value}"`);
}

export function ruleText({ alertname, action, runbook }: Wanted): string {
  const { summary, matchers, step } = SHAPES[action];
  return lines([
    '# A rule: which alert it is for, what is done about it, how it is known that it helped. docs/rules.md',
    `name: ${plainOrQuoted(ruleNameFor(alertname))}`,
    `summary: ${summary}`,
    ...(runbook === undefined ? [] : [`runbook: ${quoted(runbook)}`]),
    'matchers:                                 # Alertmanager syntax; all must hold',
    `  - ${matcherOf(alertname)}`,
    ...matchers,
    'steps:                                    # a ladder: the next one only where the one before did not heal',
    ...step,
    "guard: { cooldown: 10m, limit: ['3/1h'] }",
    'otherwise: log                            # whom to tell when no step healed: a notifier of the policy',
  ]);
}

export function ruleTestText({ alertname, action }: Wanted): string {
  const { labels, test, world, expect, more = [] } = SHAPES[action];
  const name = quoted(alertname);
  return lines([
    '# What the rule does, minute by minute, in a world that is written down here. npx autoheal test',
    'policy: ../autoheal.yaml',
    'tests:',
    `  - name: ${test}`,
    '    world:                                # what is true when it begins',
    ...world,
    '    timeline:',
    `      - { at: 0s, fire: { labels: { alertname: ${name}${labels} } } }`,
    `      - { at: 2m, resolve: { alertname: ${name} } }`,
    '    expect:                               # the whole story: nothing else may happen',
    ...expect,
    ...more.map((line) => line.replace('NAME', () => name)),
  ]);
}

/** What `autoheal send` needs besides the rule's name. */
export function sendOptionsFor(action: FirstAction): string {
  return SHAPES[action].send;
}

export function policyLinesFor(action: FirstAction): readonly string[] {
  return SHAPES[action].policy;
}

export function lines(all: readonly string[]): string {
  return `${all.map((line) => line.trimEnd()).join('\n')}\n`;
}
