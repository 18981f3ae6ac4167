import { type Answer, type Seen, serve } from './http.ts';

export interface Receiver {
  readonly url: string;
  readonly posts: readonly Seen[];
  /** The next `times` posts are answered so; then 200 again. */
  answer(answer: Answer, times?: number): void;
  close(): Promise<void>;
}

/** Somebody who takes posts: a chat's webhook, a pager. */
export async function startReceiver(): Promise<Receiver> {
  const answers: Answer[] = [];
  const server = await serve(() => answers.shift() ?? { status: 200, body: 'ok' });
  return {
    url: `http://127.0.0.1:${server.port}`,
    posts: server.requests,
    answer(answer, times = 1) {
      for (let n = 0; n < times; n += 1) answers.push(answer);
    },
    close: () => server.close(),
  };
}
