import {
  lines,
  policyLinesFor,
  ruleNameFor,
  ruleTestText,
  ruleText,
  type Wanted,
} from './init-rule.ts';

/** A file to write; its path is relative to the folder. */
interface NewFile {
  readonly path: string;
  readonly text: string;
}
interface NewFiles {
  readonly policy: NewFile;
  readonly rule: NewFile;
  readonly test: NewFile;
  readonly alertmanager: NewFile;
}

/** All that a start needs. */
export function filesFor(wanted: Wanted): NewFiles {
  const name = ruleNameFor(wanted.alertname);
  return {
    policy: { path: 'autoheal.yaml', text: policyText(wanted) },
    rule: { path: `rules/${name}.yaml`, text: ruleText(wanted) },
    test: { path: `rules/${name}.test.yaml`, text: ruleTestText(wanted) },
    alertmanager: { path: 'alertmanager-snippet.yml', text: alertmanagerText(name) },
  };
}

const NOTIFIERS = [
  '# notifiers:',
  '#   page:',
  '#     url: https://alerts.example.com/hooks/autoheal',
  '#     bearer_token_file: /run/secrets/page_token',
];

function policyText({ action }: Wanted): string {
  const needed = policyLinesFor(action);
  return lines([
    '# The policy: what autoheal may touch, whom it tells, which flags there are. Every key: docs/policy.md',
    '# A # before a key switches it off; what stands there is an example.',
    '',
    '# Whose alerts are ours: the receiver of alertmanager-snippet.yml.',
    'alertmanager:',
    '  receivers: [autoheal]',
    '',
    '# What may be touched without the label (Kubernetes: annotation) autoheal=true on it. Nothing, unless',
    '# it stands here.',
    '# targets:',
    '#   - docker/web                          # a container, by name',
    '#   - compose/import-worker               # a Compose service',
    '#   - k8s/prod/deployment/worker          # a Kubernetes workload: namespace, kind, name',
    '',
    '# Whom autoheal tells: `otherwise` of a rule, and the action notify, name one of them.',
    ...(needed.length > 0 ? needed : NOTIFIERS),
    '',
    '# Flags that rules set and applications read. heuristics-only is always there.',
    '# flags:',
    '#   import-batch-size: { default: 500, summary: Rows that a worker takes at once. }',
    '',
    '# Runs of all rules together, and how much may be touched at once.',
    "limits: ['20/1h']",
    'blast_radius: { total: 5, window: 10m }',
  ]);
}

/** A whole configuration, so that it can be checked as it is; two pieces of it are to be copied. */
function alertmanagerText(name: string): string {
  return lines([
    '# To copy into alertmanager.yml: the two routes, above yours, and the receiver `autoheal`. The rest is there so',
    '# that this file can be checked as it is. docs/alertmanager.md says why each setting is as it is.',
    'route:',
    '  receiver: people',
    '  group_by: [alertname]',
    '  routes:',
    `    - matchers: ['service="autoheal"']      # autoheal never heals itself`,
    '      receiver: people',
    `    - matchers: ['autoheal=~".+"']          # opt-in: the alert's rule in Prometheus has under labels`,
    `      receiver: autoheal                    #   autoheal: ${name}`,
    '      continue: true                        # people are told too',
    "      group_by: ['...']                     # one alert a request",
    '      group_wait: 5s',
    '      group_interval: 15s                   # also the time that a delivery may take',
    '      repeat_interval: 5m                   # each repeat is fresh evidence that the alert still fires',
    '',
    'receivers:',
    '  - name: people                            # yours: leave it out',
    '  - name: autoheal',
    '    webhook_configs:',
    '      - url: http://autoheal:9009/webhook',
    '        send_resolved: true                 # without it nothing resolves, and nothing is taken back',
    '        max_alerts: 0',
    '        http_config:',
    '          follow_redirects: false           # a redirect would lose the alert',
    '          authorization:',
    '            type: Bearer',
    '            credentials_file: /etc/alertmanager/autoheal.token   # one of AUTOHEAL_WEBHOOK_TOKEN',
  ]);
}
