import { parseDuration } from '../core/duration.ts';
import { ask, at, listAt, shownUrl, textAt } from './ask.ts';
import { sayClock } from './clock.ts';
import { type Finding, listed, notebook, type Notebook } from './finding.ts';
import type { Installation } from './installation.ts';

/** The SLOs look back this far. */
const RETENTION_MIN_MS = 30 * 86_400_000;
const RECORDED = ['autoheal:burn_fast', 'autoheal:burn_slow'];
const RETENTION_FIX =
  'start Prometheus with --storage.tsdb.retention.time=30d or more (15d is its default)';

/** Reachable, keeps enough, scrapes us, has our rules and alerts, and an Alertmanager to send them to. */
export async function checkPrometheus(of: Installation): Promise<readonly Finding[]> {
  const note = notebook('prometheus');
  const url = of.config.prometheus_url;
  if (url === undefined) {
    sayUnset(note, of);
    return note.findings();
  }
  const build = await ask(url, '/api/v1/status/buildinfo');
  const version = build.ok ? textAt(build.body, 'data', 'version') : '';
  if (version === '') {
    const why = build.ok ? `${shownUrl(url)} answered ${build.status}` : build.why;
    note.fail(
      `${why}: no Prometheus there`,
      'set AUTOHEAL_PROMETHEUS_URL to its base address, e.g. http://prometheus:9090',
    );
    return note.findings();
  }
  note.ok(`Prometheus ${version} at ${shownUrl(url)}`);
  if (build.ok) sayClock(note, 'Prometheus', build.clock_offset_ms);
  const [runtime, flags, targets, managers, rules] = await Promise.all(
    PATHS.map(async (path) => await dataOf(url, path)),
  );
  sayRuntime(note, runtime);
  sayLifecycle(note, flags);
  sayTargets(note, targets);
  sayManagers(note, managers);
  sayRules(note, rules, of);
  return note.findings();
}
const PATHS = [
  '/api/v1/status/runtimeinfo',
  '/api/v1/status/flags',
  '/api/v1/targets?state=active',
  '/api/v1/alertmanagers',
  '/api/v1/rules',
];

function sayUnset(note: Notebook, { needs, shipped_rules }: Installation): void {
  const what = 'AUTOHEAL_PROMETHEUS_URL is not set';
  const fix = 'set AUTOHEAL_PROMETHEUS_URL, e.g. http://prometheus:9090';
  if (needs.prometheus.length === 0) note.skip(what, fix);
  else {
    const who = `${what}; these rules look by promql (verify or when): ${listed(needs.prometheus)}`;
    if (shipped_rules) note.warn(who, fix);
    else note.fail(who, fix);
  }
}

async function dataOf(url: string, path: string): Promise<unknown> {
  const answer = await ask(url, path);
  return answer.ok && answer.status === 200 ? at(answer.body, 'data') : undefined;
}

function sayRuntime(note: Notebook, runtime: unknown): void {
  if (at(runtime, 'reloadConfigSuccess') === false)
    note.fail(
      'its last reload failed: it runs on an older configuration',
      'run promtool check config on its file; its log has the error',
    );
  const said = textAt(runtime, 'storageRetention');
  if (said === '') {
    note.warn('it does not say how long it keeps data', RETENTION_FIX);
    return;
  }
  // `30d`, `10GiB`, or `30d or 10GiB`: whichever is reached first.
  const [first = '', second] = said.split(' or ');
  const kept_ms = parseDuration(first);
  if (kept_ms === undefined || second !== undefined)
    note.warn(
      `it keeps ${said}: what fits that size may be less than the 30d that the SLOs look back`,
      RETENTION_FIX,
    );
  if (kept_ms !== undefined && kept_ms < RETENTION_MIN_MS)
    note.fail(
      `it keeps ${said}: the SLOs look back 30d and would silently look back less`,
      RETENTION_FIX,
    );
  else if (kept_ms !== undefined && second === undefined) note.ok(`it keeps ${said}`);
}

function sayLifecycle(note: Notebook, flags: unknown): void {
  if (at(flags, 'web.enable-lifecycle') !== 'true') return;
  note.warn(
    '--web.enable-lifecycle is on: whoever reaches it can end it (POST /-/quit)',
    'leave the flag out and reload by SIGHUP, or let nobody but you reach its port',
  );
}

function sayTargets(note: Notebook, data: unknown): void {
  const ours = listAt(data, 'activeTargets').filter(
    (target) => textAt(target, 'labels', 'job') === 'autoheal',
  );
  const down = ours.filter((target) => textAt(target, 'health') === 'down');
  const [first] = down;
  if (ours.length === 0)
    note.warn(
      'it does not scrape a job "autoheal": no SLO, and no alert when autoheal itself is gone',
      "add to scrape_configs: { job_name: autoheal, static_configs: [{ targets: ['autoheal:9009'] }] }",
    );
  else if (first !== undefined)
    note.fail(
      `job autoheal: ${textAt(first, 'scrapeUrl')} is down: ${textAt(first, 'lastError')}`,
      'correct the target of job autoheal, or start autoheal',
    );
  else note.ok(`it scrapes job autoheal (${ours.length} target${ours.length === 1 ? '' : 's'})`);
}

function sayManagers(note: Notebook, data: unknown): void {
  const active = listAt(data, 'activeAlertmanagers').map((one) => textAt(one, 'url'));
  if (active.length > 0) note.ok(`it sends alerts to ${listed(active)}`);
  else
    note.fail(
      'it knows no Alertmanager: no alert ever leaves it',
      "add to prometheus.yml: alerting: { alertmanagers: [{ static_configs: [{ targets: ['alertmanager:9093'] }] }] }",
    );
}

function sayRules(note: Notebook, data: unknown, of: Installation): void {
  const all = listAt(data, 'groups').flatMap((group) => listAt(group, 'rules'));
  const broken = all.filter((rule) => textAt(rule, 'health') === 'err');
  for (const rule of broken.slice(0, BROKEN_SHOWN_MAX))
    note.fail(
      `its rule ${textAt(rule, 'name')} fails: ${textAt(rule, 'lastError')}`,
      'correct the expression; promtool check rules, promtool test rules',
    );
  const names = new Set(all.map((rule) => textAt(rule, 'name')));
  const absent = RECORDED.filter((name) => !names.has(name));
  if (absent.length === 0) note.ok('the recording rules of the SLOs are loaded');
  else
    note.warn(
      `the recording rules ${listed(absent)} are not loaded: no burn rates`,
      'add to rule_files the files of prometheus/rules/ that ship with autoheal',
    );
  sayAlerts(note, all, of);
}
const BROKEN_SHOWN_MAX = 5;

/**
 * A rule whose alert nobody defines never runs; one that is not routed here neither. A line a kind, not a rule: a
 * Prometheus that has heard of none of the shipped rules is one finding.
 */
function sayAlerts(note: Notebook, all: readonly unknown[], { needs }: Installation): void {
  const alerts = all.filter((rule) => textAt(rule, 'type') === 'alerting');
  const by_state = Map.groupBy(needs.alertnames, ({ alertname }) => {
    const defined = alerts.filter((alert) => textAt(alert, 'name') === alertname);
    if (defined.length === 0) return 'undefined';
    return defined.some((alert) => textAt(alert, 'labels', 'autoheal') !== '') ? 'fine' : 'bare';
  });
  const [nobodys, bare, fine] = (['undefined', 'bare', 'fine'] as const).map((state) =>
    (by_state.get(state) ?? []).map(({ rule, alertname }) => `${alertname} (rule ${rule})`),
  );
  if (nobodys !== undefined && nobodys.length > 0)
    note.warn(
      `no rule of this Prometheus defines what rules wait for: ${listed(nobodys)}`,
      'define these alerts (prometheus/examples has some), or disable the rules (enabled: false)',
    );
  if (bare !== undefined && bare.length > 0)
    note.warn(
      `no label autoheal, by which the route of docs/alertmanager.md brings them here: ${listed(bare)}`,
      "add to the labels of each alert: { autoheal: <the rule's name> }, unless your route uses another label",
    );
  if (fine !== undefined && fine.length > 0)
    note.ok(`defined and labelled for their rules: ${listed(fine)}`);
}
