import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { startWorld, type World, type WorldOptions } from './world.ts';

let world: World;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await world.close();
});

async function start(options?: WorldOptions): Promise<World> {
  world = await startWorld(options);
  return world;
}

async function open(): Promise<Socket> {
  const socket = connect({ port: world.port, host: '127.0.0.1' });
  sockets.push(socket);
  // A reset is one of the ways in which a server may end a connection.
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Everything the server sends until it ends the connection. */
function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.on('data', (chunk) => (text += chunk.toString()));
  socket.on('close', () => resolve(text));
  return promise;
}

/** What the server sends up to the point where `done` holds. */
function until(socket: Socket, done: (text: string) => boolean): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
    if (done(text)) resolve(text);
  });
  return promise;
}

async function exchange(request: string): Promise<string> {
  const socket = await open();
  const answer = untilClosed(socket);
  socket.write(request);
  return answer;
}

function head(...more: string[]): string {
  return ['POST /webhook HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', ...more]
    .map((line) => `${line}\r\n`)
    .join('');
}

async function stillServes(): Promise<void> {
  expect((await world.call('GET', '/health/liveness')).status).toBe(200);
}

describe('a body that does not end well', () => {
  test('a client that hangs up in the middle costs nothing', async () => {
    await start();
    const socket = await open();
    const begun = until(socket, (text) => text.includes('100 Continue'));
    socket.write(`${head('Content-Length: 1000', 'Expect: 100-continue')}\r\n`);
    await begun;
    socket.write('{"alerts":');
    socket.resetAndDestroy();
    await expect.poll(() => world.state.webhooks.length).toBe(1);
    expect(world.state.webhooks).toMatchObject([{ outcome: 'rejected_invalid' }]);
    expect(world.state.posts).toEqual([]);
    expect(world.state.logged.filter(({ level }) => level === 'error')).toEqual([]);
    expect(world.state.denied).toEqual([]);
    await stillServes();
  });

  test('a client that is gone at once is not taken for an intruder', async () => {
    await start();
    const socket = await open();
    socket.write(`${head('Content-Length: 1000')}\r\n{"alerts":`);
    socket.resetAndDestroy();
    await stillServes();
    expect(world.state.denied).toEqual([]);
  });

  test('a client that ends its side in the middle is not taken for a whole body', async () => {
    await start();
    const socket = await open();
    const answer = untilClosed(socket);
    socket.end(`${head('Content-Length: 1000')}\r\n{"alerts":[]}`);
    expect(await answer).toMatch(/^(HTTP\/1\.1 400 |$)/);
    expect(world.state.posts).toEqual([]);
    await stillServes();
  });

  test('chunks are put together', async () => {
    await start();
    const socket = await open();
    const answer = until(socket, (text) => text.includes('d-1'));
    socket.write(`${head('Transfer-Encoding: chunked')}\r\n`);
    for (const chunk of ['{"al', 'erts"', ':[]}']) {
      socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
    }
    socket.write('0\r\n\r\n');
    expect(await answer).toMatch(/^HTTP\/1\.1 202 /);
    expect(Buffer.from(world.state.posts[0]?.body ?? []).toString()).toBe('{"alerts":[]}');
  });

  test('a broken chunk is 400', async () => {
    await start();
    const answer = await exchange(`${head('Transfer-Encoding: chunked')}\r\nzz\r\n{}\r\n0\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(world.state.posts).toEqual([]);
    await stillServes();
  });

  test('chunks beyond the limit are 413, however many follow', async () => {
    await start({ limits: { body_bytes: 100 } });
    const socket = await open();
    const answer = until(socket, (text) => text.includes('body_too_large'));
    socket.write(`${head('Transfer-Encoding: chunked')}\r\n`);
    const chunk = 'x'.repeat(64);
    for (let i = 0; i < 10; i++) socket.write(`40\r\n${chunk}\r\n`);
    expect(await answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(world.state.posts).toEqual([]);
  });

  test('a body that never comes is 408 after the time for a request', async () => {
    await start({ limits: { request_timeout_ms: 100, headers_timeout_ms: 100 } });
    const answer = await exchange(`${head('Content-Length: 10')}\r\n{`);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"request_timeout"');
    await stillServes();
  });

  test('headers that come drop by drop are 408', async () => {
    await start({ limits: { request_timeout_ms: 5_000, headers_timeout_ms: 100 } });
    const answer = await exchange('POST /webhook HTTP/1.1\r\nHost: loc');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('what is not HTTP', () => {
  test.each([
    ['noise', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n'],
    ['a negative length', `${head('Content-Length: -1')}\r\n`],
    ['two lengths', `${head('Content-Length: 1', 'Content-Length: 2')}\r\n{}`],
    [
      'a length and chunks, as smugglers send',
      `${head('Content-Length: 2', 'Transfer-Encoding: chunked')}\r\n0\r\n\r\n`,
    ],
    ['a version to come', 'GET / HTTP/9.9\r\nHost: localhost\r\n\r\n'],
  ])('%s is 400 with a problem document', async (_name, request) => {
    await start();
    const answer = await exchange(request);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('content-type: application/problem+json');
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
    expect(body).toMatchObject({ code: 'malformed_http', status: 400 });
    expect(world.state.posts).toEqual([]);
    await stillServes();
  });

  test('too many header bytes are 431', async () => {
    await start({ limits: { header_bytes: 2_000 } });
    const answer = await exchange(`${head(`X-Long: ${'x'.repeat(4_000)}`)}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('"code":"headers_too_large"');
  });

  test('a request without Host is not taken for this machine', async () => {
    await start();
    const answer = await exchange('GET / HTTP/1.0\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('one connection, many requests', () => {
  test('pipelined requests are answered in order', async () => {
    await start();
    let count = 0;
    world.state.accept = async () => {
      count += 1;
      return { delivery: `d-${count}`, alerts: 0, unusable: [], drill: false };
    };
    const socket = await open();
    const answer = until(socket, (text) => text.includes('d-3') && text.endsWith('}'));
    socket.write(`${head('Content-Length: 2')}\r\n{}`.repeat(3));
    const found = [...(await answer).matchAll(/"delivery":"(d-\d)"/g)].map(([, id]) => id);
    expect(found).toEqual(['d-1', 'd-2', 'd-3']);
  });

  test('a refused body leaves the next request on its connection whole', async () => {
    await start({ limits: { body_bytes: 100 } });
    const socket = await open();
    const answer = until(socket, (text) => text.includes('d-1'));
    socket.write(`${head('Content-Length: 300')}\r\n${'x'.repeat(300)}`);
    socket.write(`${head('Content-Length: 2')}\r\n{}`);
    const text = await answer;
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 202']);
  });

  test('noise after an answer only closes the connection', async () => {
    await start();
    const socket = await open();
    const all = untilClosed(socket);
    const answered = until(socket, (text) => text.includes('d-1'));
    socket.write(`${head('Content-Length: 2')}\r\n{}`);
    await answered;
    socket.write('noise\r\n\r\n');
    expect((await all).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 202']);
    await stillServes();
  });

  test('more connections than the limit are closed, and one freed is one more', async () => {
    await start({ limits: { sockets: 1 } });
    const first = await open();
    const second = await open();
    expect(await untilClosed(second)).toBe('');
    first.destroy();
    await expect.poll(async () => (await exchangeOrNothing()).length).toBeGreaterThan(0);
  });
});

async function exchangeOrNothing(): Promise<string> {
  return exchange('GET /health/liveness HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
}

describe('the end of the service', () => {
  test('close lets a request under way finish, and one that comes too late is 503', async () => {
    await start();
    const served: Socket[] = [];
    world.app.server.on('connection', (socket: Socket) => served.push(socket));
    const held = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    world.state.accept = async () => {
      arrived.resolve();
      await held.promise;
      return { delivery: 'd-last', alerts: 0, unusable: [], drill: false };
    };
    const socket = await open();
    const all = untilClosed(socket);
    socket.write(`${head('Content-Length: 2')}\r\n{}`);
    await arrived.promise;
    const late = await open();
    const refused = untilClosed(late);
    late.write(head('Content-Length: 2'));
    await expect.poll(() => served[1]?.bytesRead).toBeGreaterThan(0);
    const closed = world.close();
    late.write('\r\n{}');
    const answer = await refused;
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).toContain('"code":"stopping"');
    expect(answer.toLowerCase()).toContain('retry-after: 5');
    held.resolve();
    await closed;
    expect(await all).toContain('d-last');
    expect(world.state.posts).toHaveLength(1);
  });

  test('a request that never ends does not hold the end up for ever', async () => {
    await start({ limits: { close_grace_ms: 50 } });
    const served: Socket[] = [];
    world.app.server.on('connection', (socket: Socket) => served.push(socket));
    const socket = await open();
    const all = untilClosed(socket);
    socket.write(head('Content-Length: 2'));
    await expect.poll(() => served[0]?.bytesRead).toBeGreaterThan(0);
    await world.close();
    expect(await all).toBe('');
  });

  test('an idle kept connection does not hold the end up', async () => {
    await start();
    const socket = await open();
    const all = untilClosed(socket);
    socket.write(`${head('Content-Length: 2')}\r\n{}`);
    await once(socket, 'data');
    await world.close();
    expect(await all).toContain('202');
  });
});
