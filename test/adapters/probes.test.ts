import { once } from 'node:events';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { BODY_READ_BYTES, createProbes } from '../../src/adapters/probes.ts';
import { failureOf } from '../actions/context.ts';
import { selfSigned } from '../fakes/certificate.ts';
import { type Answer, serve } from '../fakes/http.ts';

const LONG_MS = 10_000;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function answering(answer: Answer): Promise<string> {
  const server = await serve(() => answer);
  closers.push(() => server.close());
  return `http://127.0.0.1:${server.port}/health`;
}

/** A TCP server that does as it is told with each connection. */
async function listening(host: string, talk: (socket: net.Socket) => void): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    talk(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

async function closedPort(): Promise<number> {
  const port = await listening('127.0.0.1', () => {});
  await closers.pop()?.();
  return port;
}

const soon = () => AbortSignal.timeout(LONG_MS);
const { http, tcp } = createProbes();

test.each([
  [200, undefined, true],
  [204, undefined, true],
  [301, undefined, false],
  [404, undefined, false],
  [503, undefined, false],
  [401, [401, 403], true],
  [200, [204], false],
  [302, [302], true],
] as const)('status %d, expected %j: %s', async (status, expect_status, holds) => {
  const url = await answering({ status, headers: { location: 'http://127.0.0.1:1/' } });
  const options = { signal: soon(), ...(expect_status === undefined ? {} : { expect_status }) };
  const found = await http(url, options);
  expect(found).toEqual({ holds, detail: `${new URL(url).host} answered ${status}` });
});

test('it is one GET of the whole address; what the address carries is not in the detail', async () => {
  const server = await serve(() => ({ status: 200 }));
  closers.push(() => server.close());
  const url = `http://127.0.0.1:${server.port}/a%2Fb?key=secret`;
  const { detail } = await http(url, { signal: soon() });
  expect(detail).not.toContain('secret');
  expect(server.requests).toHaveLength(1);
  expect(server.requests[0]).toMatchObject({ method: 'GET', path: '/a%2Fb', body: '' });
  expect(server.requests[0]?.query.get('key')).toBe('secret');
});

test('a body without end is left after its first part', async () => {
  let sent = 0;
  const port = await listening('127.0.0.1', (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const chunk = Buffer.alloc(16 * 1024);
    function more(): void {
      if (socket.destroyed) return;
      sent += chunk.length;
      socket.write(chunk, more);
    }
    more();
  });
  const found = await http(`http://127.0.0.1:${port}/`, { signal: soon() });
  expect(found.holds).toBe(true);
  expect(sent).toBeGreaterThanOrEqual(BODY_READ_BYTES);
});

test('an answer that stalls or breaks off is none', async () => {
  const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab';
  const stalls = await listening('127.0.0.1', (socket) => socket.write(HEAD));
  const stalled = await http(`http://127.0.0.1:${stalls}/`, { signal: AbortSignal.timeout(100) });
  expect(stalled).toEqual({
    holds: false,
    detail: `127.0.0.1:${stalls} did not answer in time`,
  });
  const breaks = await listening('127.0.0.1', (socket) => socket.end(HEAD));
  const broken = await http(`http://127.0.0.1:${breaks}/`, { signal: soon() });
  expect(broken).toMatchObject({
    holds: false,
    detail: expect.stringContaining('cut the connection'),
  });
});

test('what does not answer well is the symptom', async () => {
  const closed = await closedPort();
  expect(await http(`http://127.0.0.1:${closed}/`, { signal: soon() })).toEqual({
    holds: false,
    detail: `127.0.0.1:${closed} refused the connection (ECONNREFUSED)`,
  });
  const cut = await http(await answering('reset'), { signal: soon() });
  expect(cut).toMatchObject({
    holds: false,
    detail: expect.stringContaining('cut the connection'),
  });
  const strange = await listening('127.0.0.1', (socket) => socket.end('SSH-2.0-x\r\n'));
  const other = await http(`http://127.0.0.1:${strange}/`, { signal: soon() });
  expect(other).toMatchObject({ holds: false, detail: expect.stringContaining('not HTTP') });
  const silent = await http(await answering('hang'), { signal: AbortSignal.timeout(100) });
  expect(silent).toMatchObject({
    holds: false,
    detail: expect.stringContaining('did not answer in time'),
  });
});

test('what keeps us from looking is no evidence', async () => {
  // A label of more than 63 characters is in no name server; this one asks none to know it.
  const nowhere = `${'x'.repeat(64)}.example`;
  const unknown = { code: 'unavailable', retryable: true };
  expect(await failureOf(http(`http://${nowhere}/`, { signal: soon() }))).toMatchObject(unknown);
  expect(await failureOf(tcp(nowhere, 80, soon()))).toMatchObject(unknown);
  // The system refuses this one to us before anything leaves the machine.
  expect(await failureOf(tcp('255.255.255.255', 80, soon()))).toMatchObject(unknown);
  const hanging = await answering('hang');
  const stopped = http(hanging, { signal: AbortSignal.abort() });
  expect(await failureOf(stopped)).toMatchObject({ code: 'timeout', retryable: true });
});

test('a look that is stopped by somebody else says nothing, whatever it asked', async () => {
  const stop = new AbortController();
  const server = await serve(() => {
    stop.abort();
    return 'hang';
  });
  closers.push(() => server.close());
  const asked = http(`http://127.0.0.1:${server.port}/`, { signal: stop.signal });
  const failure = await failureOf(asked);
  expect(failure.code).toBe('timeout');
  expect(failure.message).toContain('stopped');
  expect((await failureOf(tcp('127.0.0.1', 1, AbortSignal.abort()))).code).toBe('timeout');
});

test('a certificate that is not trusted is not looked behind', async () => {
  const server = https.createServer(selfSigned('localhost'), (_, response) => response.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  const failure = await failureOf(http(`https://127.0.0.1:${port}/`, { signal: soon() }));
  expect(failure).toMatchObject({ code: 'not_configured', retryable: false });
  expect(failure.message).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
});

test('tcp connects, closes, and asks for nothing', async () => {
  const ended: Promise<unknown>[] = [];
  const port = await listening('127.0.0.1', (socket) => {
    socket.resume();
    ended.push(once(socket, 'close'));
  });
  expect(await tcp('127.0.0.1', port, soon())).toEqual({
    holds: true,
    detail: `127.0.0.1:${port} takes connections`,
  });
  await expect.poll(() => ended.length).toBe(1);
  await Promise.all(ended);
  const closed = await closedPort();
  expect(await tcp('127.0.0.1', closed, soon())).toMatchObject({
    holds: false,
    detail: expect.stringContaining('refused'),
  });
});

test('an IPv6 address is asked over IPv6', async (context) => {
  const server = net.createServer((socket) => socket.end()).listen(0, '::1');
  const up = await Promise.race([
    once(server, 'listening').then(() => true),
    once(server, 'error').then(() => false),
  ]);
  if (!up) return context.skip('this machine has no IPv6');
  closers.push(async () => {
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  expect(await tcp('::1', port, soon())).toEqual({
    holds: true,
    detail: `[::1]:${port} takes connections`,
  });
});

test('only hosts that are allowed are asked', async () => {
  const url = await answering({ status: 200 });
  const { port } = new URL(url);
  const by_host = createProbes({ allowed_hosts: ['127.0.0.1'] });
  expect((await by_host.http(url, { signal: soon() })).holds).toBe(true);
  const by_port = createProbes({ allowed_hosts: [`127.0.0.1:${port}`] });
  expect((await by_port.tcp('127.0.0.1', Number(port), soon())).holds).toBe(true);
  const none = createProbes({ allowed_hosts: ['127.0.0.1:1', 'crm'] });
  expect(await failureOf(none.http(url, { signal: soon() }))).toMatchObject({
    code: 'forbidden',
    retryable: false,
  });
  expect((await failureOf(none.tcp('127.0.0.1', Number(port), soon()))).code).toBe('forbidden');
});
