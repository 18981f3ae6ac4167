import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from './tree.ts';

/** Notes every file that is loaded; written when the process ends. */
const PROBE = `
const { registerHooks } = require('module');
const { writeFileSync } = require('fs');
const files = [];
registerHooks({ load(url, context, next) { files.push(url); return next(url, context); } });
// The service listens a moment before it minds the signal.
process.once('SIGTERM', () => process.exit());
process.once('exit', () => writeFileSync('loaded.json', JSON.stringify([...files, ...process.moduleLoadList])));
`;

let folder: string;
let loaded: readonly string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'autoheal-start-'));
  writeFileSync(join(folder, 'probe.cjs'), PROBE);
  loaded = await start();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  [
    'the compilers of JSON Schema, though every route checks by zod',
    /node_modules\/(ajv|json-schema-)/,
  ],
  ['fetch, through an import of node:http', /internal\/deps\/undici/],
  ['the messages of zod in other languages', /zod\/v4\/locales\/(?!en\.js)/],
  [
    'what comes along with prom-client',
    /@opentelemetry|prom-client\/lib\/(cluster|pushgateway|defaultMetrics)/,
  ],
  ['the parser of the command line', /node_modules\/commander/],
  ['the doctor', /src\/doctor\//],
  ['the client of Kubernetes', /@kubernetes/],
  ["Sentry's SDK, without SENTRY_DSN and with it", /@sentry/],
  ['the limiter of requests, before the first request that it limits', /@fastify\/rate-limit/],
])('a start does not load %s', (_, pattern) => {
  expect(loaded.filter((file) => pattern.test(file))).toEqual([]);
});

test('the list is that of a service', () => {
  expect(
    loaded.filter((file) =>
      /node_modules\/fastify\/fastify\.js|zod\/v4\/locales\/en\.js/.test(file),
    ),
  ).toHaveLength(2);
});

/** Runs the service until it listens; what it loaded by then. */
async function start(): Promise<readonly string[]> {
  const child = spawn(
    process.execPath,
    ['--require', join(folder, 'probe.cjs'), join(ROOT, 'bin/autoheal.js'), 'serve'],
    {
      cwd: folder,
      env: {
        AUTOHEAL_PORT: '0',
        AUTOHEAL_DATABASE_URL: `sqlite:${join(folder, 'autoheal.db')}`,
        SENTRY_DSN: 'http://key@127.0.0.1:1/1',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.includes('autoheal is listening')) child.kill('SIGTERM');
  }
  await ended;
  expect(said).toContain('autoheal is listening');
  return JSON.parse(readFileSync(join(folder, 'loaded.json'), 'utf8')) as string[];
}
