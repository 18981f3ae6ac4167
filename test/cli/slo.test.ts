import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const BIN = join(ROOT, 'bin/autoheal.js');
const SERVICES = join(ROOT, 'prometheus/slos/services.yaml');

let folder: string;
const undo: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'autoheal-slo-'));
  cpSync(SERVICES, join(folder, 'mine.yaml'));
});
afterEach(async () => {
  for (const step of undo.splice(0)) await step();
  rmSync(folder, { recursive: true, force: true });
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
function slo(...args: readonly string[]): Promise<Ran> {
  return new Promise((done) => {
    const options = { cwd: folder, env: { PATH: process.env['PATH'] } };
    execFile(process.execPath, [BIN, 'slo', ...args], options, (error, out, err) => {
      done({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}
function spoil(from: string, to: string): void {
  const text = readFileSync(SERVICES, 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(folder, 'mine.yaml'), text.replace(from, to));
}

test('generate: the rules of a file, under its name', async () => {
  expect(await slo('generate', '--file', 'mine.yaml', '--out', 'made')).toEqual({
    code: 0,
    out: 'wrote made/mine-slo.yml\n',
    err: '',
  });
  const [, ...made] = readFileSync(join(folder, 'made/mine-slo.yml'), 'utf8').split('\n');
  const [, ...shipped] = readFileSync(
    join(ROOT, 'prometheus/rules/services-slo.yml'),
    'utf8',
  ).split('\n');
  expect(made).toEqual(shipped);
});

test('generate: a mistake is shown, nothing is written', async () => {
  spoil('targetPercent: 95', 'targetPercent: 90');
  const { code, err } = await slo('generate', '--file', 'mine.yaml', '--out', 'made');
  expect([code, existsSync(join(folder, 'made'))]).toEqual([1, false]);
  expect(err).toMatch(/^mine\.yaml:\d+:\d+: error: 14\.4 times its budget of 10 % .*never fire\n/);
  expect(err).toContain('fix: aim at 93.0556 %');
});

test('check: counts; warnings are no error; two files with one service are', async () => {
  expect(await slo('check', 'mine.yaml')).toEqual({
    code: 0,
    out: '1 file, 8 SLOs, 0 problems, 0 warnings\n',
    err: '',
  });
  cpSync(SERVICES, join(folder, 'again.yaml'));
  const both = await slo('check', 'mine.yaml', 'again.yaml', 'missing.yaml');
  expect(both.code).toBe(1);
  expect(both.out).toContain('mine.yaml has SLOs of the service api too');
  expect(both.out).toMatch(/missing\.yaml:1:1: error: cannot be read/);
  spoil("events-per-day: '500'", "events-per-day: '10'");
  const { code, out } = await slo('check', '--json', 'mine.yaml');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject([{ severity: 'warning' }, { severity: 'warning' }]);
});

/** Answers each path with its body. */
async function serve(answers: Readonly<Record<string, unknown>>): Promise<string> {
  const server = createServer((request, response) => {
    const body = answers[request.url ?? ''];
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  undo.push(() => new Promise((done) => server.close(done)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('status: what Prometheus recorded, as a table and as JSON', async () => {
  const labels = { service: 'api', slo: 'errors' };
  const result = [
    { metric: { __name__: 'service:slo_burn_rate:ratio1h', ...labels }, value: [1, '2'] },
    { metric: { __name__: 'service:slo_budget_remaining:ratio30d', ...labels }, value: [1, '0.5'] },
    { metric: { __name__: 'service:slo_error_budget:ratio', ...labels }, value: [1, '0.01'] },
  ];
  const url = await serve({
    '/api/v1/query': { status: 'success', data: { resultType: 'vector', result } },
  });
  const { code, out, err } = await slo('status', '--prometheus', url);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(
    /^SERVICE +SLO +OBJECTIVE +BUDGET LEFT +BURN +EXHAUSTED IN +COUNTED BY +DATA\n/,
  );
  expect(out).toMatch(/api +errors +99 % +50\.0 % \(30d\) +2\.00x \(1h\) +7d12h +prometheus +-\n$/);
  const json = JSON.parse((await slo('status', '--prometheus', url, '--json')).out) as unknown;
  expect(json).toMatchObject({ items: [{ ...labels, exhausted_in_seconds: 648_000 }] });
});

test('status: its own, from the service, with whose count it is and how much of the window it covers', async () => {
  const figure = (window: string, value: number | null) => ({ window, value });
  const item = {
    slo: 'action_success',
    objective_pct: 99.5,
    burn_fast: figure('1h', 20),
    burn_slow: figure('6h', 4),
    budget_left: { ...figure('30d', 0.5), source: 'store' },
    windows: [{ window: '30d', covered: 0.031 }],
  };
  const url = await serve({ '/api/v1/slo': { items: [item] } });
  const { code, out } = await slo('status', '--url', url);
  expect(code).toBe(0);
  expect(out).toMatch(
    /autoheal +action_success +99\.5 % +50\.0 % \(30d\) +20\.00x \(1h\), 4\.00x \(6h\) +18h +autoheal +3\.1 %\n$/,
  );
});

test('status: nothing recorded, nobody there, both asked', async () => {
  const url = await serve({
    '/api/v1/query': { status: 'success', data: { resultType: 'vector', result: [] } },
  });
  expect((await slo('status', '--prometheus', url)).err).toContain('has recorded no SLO');
  const away = await slo('status', '--prometheus', 'http://127.0.0.1:1');
  expect([away.code, away.out]).toEqual([1, '']);
  expect((await slo('status', '--prometheus', url, '--url', url)).code).toBe(2);
});
