// What the demo's small services share: one HTTP server, routes by "METHOD /path".
import { createServer } from 'node:http';

const BODY_BYTES_MAX = 1024 * 1024;

/**
 * Serves `routes` on PORT (8080); a route gets { query, body } and returns text or an object for JSON.
 * It ends at SIGTERM: a program that is process 1 of its container ignores signals it does not handle.
 */
export function serve(name, routes) {
  const server = createServer((request, response) => {
    void answer(routes, request)
      .catch((error) => ({ status: 500, text: `${error.message}\n` }))
      .then(({ status, text }) => response.writeHead(status).end(text));
  });
  const port = Number(process.env.PORT ?? 8080);
  server.listen(port, () => console.log(`${name} listens on ${port}`));
  endOnSignal();
  return server;
}

export function endOnSignal() {
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
}

async function answer(routes, request) {
  const url = new URL(request.url ?? '/', 'http://demo');
  const route = routes[`${request.method} ${url.pathname}`];
  if (route === undefined) {
    return { status: 404, text: `there is: ${Object.keys(routes).join(', ')}\n` };
  }
  const found = await route({ query: url.searchParams, body: await bodyOf(request) });
  return { status: 200, text: typeof found === 'string' ? found : `${JSON.stringify(found)}\n` };
}

async function bodyOf(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error('the body is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
