import http from 'node:http';
import { once } from 'node:events';

/** One request as a fake saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}
export interface Reply {
  readonly status: number;
  /** A string is sent as it is, everything else as JSON; undefined sends no body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
/** `hang`: the request is read and never answered. `reset`: the connection is cut. */
export type Answer = Reply | 'hang' | 'reset';
export interface FakeServer {
  readonly requests: Seen[];
  /** Of a TCP server. */
  readonly port: number;
  close(): Promise<void>;
}

/** A server over a real socket: a unix socket's path, or a free port on loopback. */
export async function serve(
  answer: (seen: Seen) => Answer | Promise<Answer>,
  socket?: string,
): Promise<FakeServer> {
  const requests: Seen[] = [];
  const server = http.createServer((request, response) => {
    void (async () => {
      const seen = await readRequest(request);
      requests.push(seen);
      const reply = await answer(seen);
      if (reply === 'hang') return;
      if (reply === 'reset') request.socket.destroy();
      else send(response, reply);
    })();
  });
  if (socket === undefined) server.listen(0, '127.0.0.1');
  else server.listen(socket);
  await once(server, 'listening');
  const address = server.address();
  return {
    requests,
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readRequest(request: http.IncomingMessage): Promise<Seen> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = new URL(request.url ?? '/', 'http://fake');
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

function send(response: http.ServerResponse, reply: Reply): void {
  const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
  response.writeHead(reply.status, {
    ...(text === undefined ? {} : { 'content-type': 'application/json' }),
    ...reply.headers,
  });
  response.end(text);
}
