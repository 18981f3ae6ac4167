import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { type Autoheal, type AutohealOptions, startAutoheal } from '../real/autoheal.ts';
import { until } from '../real/until.ts';

/** The service as its users start it: a process, its environment, its signals, its exit codes. */
const ROOT = join(import.meta.dirname, '../..');
const SOON = { timeout_ms: 15_000 };
const run = promisify(execFile);

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function start(options: AutohealOptions = {}): Promise<Autoheal> {
  const autoheal = await startAutoheal(options);
  undo.push(() => autoheal.dispose());
  return autoheal;
}

/** A copy of the shipped rules that a test may spoil. */
function copyOfRules(): string {
  const folder = mkdtempSync(join(tmpdir(), 'autoheal-rules-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(ROOT, 'rules'), folder, { recursive: true });
  return folder;
}

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `autoheal ...` in a clean environment. */
async function cli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const options = { env: { PATH: process.env['PATH'] ?? '', ...env }, cwd: ROOT };
  try {
    const done = await run(process.execPath, [join(ROOT, 'bin/autoheal.js'), ...args], options);
    return { code: 0, ...done };
  } catch (error) {
    const { code, stdout, stderr } = error as Result;
    return { code, stdout, stderr };
  }
}

async function metric(autoheal: Autoheal, series: string): Promise<number | undefined> {
  const page = String((await autoheal.api('/metrics')).body);
  const line = page.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

async function kinds(autoheal: Autoheal): Promise<readonly string[]> {
  const answer = await autoheal.api('/api/v1/audit?order=asc&limit=1000');
  return (answer.body as { items: { kind: string }[] }).items.map((entry) => entry.kind);
}

describe('rules and reload', () => {
  test('a bad file keeps the last good set, is explained, counted and audited; a mended one is taken', async () => {
    const rules = copyOfRules();
    const autoheal = await start({ rules });
    const file = join(rules, 'ai-errors.yaml');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, good.replace('action: set_flag', 'action: set_flga'));
    const refused = await autoheal.api('/-/reload', { method: 'POST' });
    expect(refused).toMatchObject({ status: 422, body: { code: 'rules_rejected' } });
    expect((refused.body as { rendered: string }).rendered).toMatch(
      /ai-errors\.yaml:\d+:\d+: [^]*set_flga[^]*\^+[^]*set_flag/,
    );
    expect(await metric(autoheal, 'autoheal_rules_last_reload_successful')).toBe(0);
    expect((await autoheal.api('/api/v1/rules/ai-errors')).status).toBe(200);
    writeFileSync(file, good.replace('lease: 30m', 'lease: 20m'));
    expect(await autoheal.api('/-/reload', { method: 'POST' })).toMatchObject({
      status: 200,
      body: { changed: true },
    });
    expect(await metric(autoheal, 'autoheal_rules_last_reload_successful')).toBe(1);
    expect(await kinds(autoheal)).toEqual([
      'rules_loaded',
      'service_started',
      'rules_rejected',
      'rules_loaded',
    ]);
  });

  test('SIGHUP reloads too', async () => {
    const rules = copyOfRules();
    const autoheal = await start({ rules });
    rmSync(join(rules, 'import-backlog.yaml'));
    autoheal.process().signal('SIGHUP');
    await until(
      'the rule is gone',
      async () => (await autoheal.api('/api/v1/rules/import-backlog')).status === 404,
      SOON,
    );
  });

  test('started with a bad rule it accepts and keeps, is not ready, and goes on when the rule is mended', async () => {
    const rules = copyOfRules();
    const file = join(rules, 'ai-errors.yaml');
    const good = readFileSync(file, 'utf8');
    const autoheal = await start({ rules });
    await autoheal.stop();
    writeFileSync(file, 'name: [');
    await autoheal.restart({}, '/health/liveness');
    expect((await autoheal.api('/health/readiness')).status).toBe(503);
    const body = JSON.parse(readFileSync(join(ROOT, 'examples/ai-errors.json'), 'utf8')) as unknown;
    expect((await autoheal.api('/webhook', { body })).status).toBe(202);
    writeFileSync(file, good);
    await autoheal.api('/-/reload', { method: 'POST' });
    await until(
      'the flag is on',
      async () => {
        const flag = await autoheal.api('/api/v1/flags/heuristics-only');
        return (flag.body as { value: unknown }).value === true;
      },
      SOON,
    );
  });
});

describe('the command line', () => {
  test('send flips the flag and back, as the README says', async () => {
    const autoheal = await start({ rules: join(ROOT, 'rules') });
    const url = ['--url', autoheal.url];
    const fired = await cli(['send', 'examples/ai-errors.json', ...url]);
    expect(fired).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('202 stored') as unknown,
    });
    const evaluate = async () => {
      const answer = await autoheal.api('/ofrep/v1/evaluate/flags/heuristics-only', {
        body: { context: {} },
      });
      return (answer.body as { value: unknown }).value;
    };
    await until('the flag is on', async () => (await evaluate()) === true, SOON);
    expect((await cli(['send', '--resolved', 'examples/ai-errors.json', ...url])).code).toBe(0);
    await until('the flag is off', async () => (await evaluate()) === false, SOON);
    await until(
      'the story is whole',
      async () => (await kinds(autoheal)).includes('revert_ok'),
      SOON,
    );
    expect(await kinds(autoheal)).toEqual([
      'rules_loaded',
      'service_started',
      'webhook_received',
      'alert_firing',
      'decision_run',
      'action_start',
      'flag_changed',
      'action_ok',
      'webhook_received',
      'alert_resolved',
      'verify_ok',
      'remediation_done',
      'flag_changed',
      'revert_ok',
    ]);
  });

  test('send says what is wrong: no service, no such file, not a body', async () => {
    const nobody = await cli(['send', 'examples/ai-errors.json', '--url', 'http://127.0.0.1:1']);
    expect(nobody).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Is autoheal running?') as unknown,
    });
    const missing = await cli(['send', 'nowhere.json']);
    expect(missing).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nowhere.json: cannot be read') as unknown,
    });
    const wrong = await cli(['send', 'package.json']);
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not a webhook body') as unknown,
    });
  });

  test('a wrong configuration is refused at once, every problem with its variable', async () => {
    const refused = await cli(['serve'], {
      AUTOHEAL_PORT: 'ninety',
      AUTOHEAL_MOOD: 'auto',
      AUTOHEAL_MODE: 'approve',
    });
    expect(refused.code).toBe(2);
    for (const name of ['AUTOHEAL_PORT', 'AUTOHEAL_MOOD', 'AUTOHEAL_MODE'])
      expect(refused.stderr).toContain(name);
    expect(refused.stderr).not.toMatch(/\n\s+at /);
  });

  test('config prints what serve would use, without the secrets', async () => {
    const shown = await cli(['config'], { AUTOHEAL_API_TOKEN: 'a-secret-that-must-not-show' });
    expect(shown.code).toBe(0);
    expect(JSON.parse(shown.stdout)).toMatchObject({ AUTOHEAL_PORT: 9009 });
    expect(shown.stdout).not.toContain('a-secret-that-must-not-show');
  });
});

describe('the process', () => {
  test('SIGTERM ends it cleanly, with the last word in the audit log', async () => {
    const autoheal = await start();
    expect(await autoheal.stop()).toMatchObject({ code: 0 });
    await autoheal.restart();
    expect(await kinds(autoheal)).toEqual([
      'rules_loaded',
      'service_started',
      'service_stopped',
      'rules_loaded',
      'service_started',
    ]);
  });

  test('a second one on the same database does not start, and says why', async () => {
    const autoheal = await start();
    const second = await cli(['serve'], {
      AUTOHEAL_PORT: '0',
      AUTOHEAL_DATABASE_URL: `sqlite:${join(autoheal.folder, 'data/autoheal.db')}`,
    });
    expect(second.code).toBe(1);
    expect(second.stdout).toContain('in use by another');
  });

  test('with tokens, nobody without one gets in, and the refusal is in the audit log', async () => {
    const autoheal = await start({ env: { AUTOHEAL_API_TOKEN: 'the-api-token-of-this-test' } });
    const body = { version: '4', status: 'firing', alerts: [] };
    expect((await autoheal.api('/webhook', { body })).status).toBe(401);
    expect((await autoheal.api('/api/v1/audit')).status).toBe(401);
    expect((await autoheal.api('/health')).status).toBe(200);
    await autoheal.stop();
    await autoheal.restart();
    const headers = { authorization: 'Bearer the-api-token-of-this-test' };
    const denied = await autoheal.api('/api/v1/audit?kind=auth_denied', { headers });
    expect((denied.body as { items: unknown[] }).items).toMatchObject([
      { actor: '127.0.0.1', detail: { count: 2 } },
    ]);
  });

  test('chaos by the environment: seen everywhere, ends by itself, and a restart resumes what remains', async () => {
    const env = { AUTOHEAL_CHAOS_FAILURE_RATE: '100', AUTOHEAL_CHAOS_FOR: '1h' };
    const autoheal = await start({ rules: join(ROOT, 'rules'), env });
    const before = await autoheal.api('/');
    expect(before.body).toMatchObject({ chaos: { enabled: true, failure_rate_pct: 100 } });
    await cli(['send', 'examples/ai-errors.json', '--url', autoheal.url]);
    await until(
      'the step failed on purpose',
      async () => (await kinds(autoheal)).includes('remediation_done'),
      SOON,
    );
    const failed = await autoheal.api('/api/v1/audit?chaos=true&kind=action_fail');
    expect((failed.body as { items: unknown[] }).items).toMatchObject([
      { chaos: true, result: 'chaos_injected_failure' },
    ]);
    expect(await metric(autoheal, 'autoheal_chaos_enabled')).toBe(1);
    expect(
      await metric(
        autoheal,
        'autoheal_remediations_total{action="set_flag",outcome="failure",drill="false"}',
      ),
    ).toBe(1);
    await autoheal.kill9();
    await autoheal.restart();
    const after = await autoheal.api('/');
    expect((after.body as { chaos: unknown }).chaos).toEqual(
      (before.body as { chaos: unknown }).chaos,
    );
    const armed = (await kinds(autoheal)).filter((kind) => kind === 'chaos_armed');
    expect(armed).toHaveLength(1);
  });
});
