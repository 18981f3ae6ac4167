import { execFile } from 'node:child_process';
import { Agent, request } from 'node:http';
import { promisify } from 'node:util';
import { bodyOf } from './load.ts';
import { CORES } from './processes.ts';

/**
 * Posts of one new alert each, every one answered with 202, sent by a process of its own on the other core.
 * autocannon's pace sends a second's share as fast as it can and then rests, which measures the drain of a burst,
 * not the delay of an alert; and it ends an amount only at its next tick.
 */
export interface Posts {
  readonly url: string;
  readonly amount: number;
  /** Posts a second, evenly; absent: each connection posts again as soon as it is answered. */
  readonly rate?: number;
  /** The most at once. */
  readonly connections: number;
}

/** @returns when the first was sent, epoch ms. @throws when an answer was not 202. */
export async function send(posts: Posts): Promise<number> {
  const command = [process.execPath, import.meta.filename, JSON.stringify(posts)];
  const [program = '', ...args] =
    CORES === undefined ? command : ['taskset', '-c', CORES.load, ...command];
  const { stdout } = await promisify(execFile)(program, args);
  return Number(stdout);
}

async function sendAll(posts: Posts): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: posts.connections });
  const began_ms = performance.timeOrigin + performance.now();
  const statuses = await (posts.rate === undefined
    ? atOnce(posts, agent)
    : evenly(posts, posts.rate, agent));
  agent.destroy();
  const bad = statuses.filter((status) => status !== 202);
  if (bad.length > 0) throw new Error(`${bad.length} answers were not 202, e.g. ${bad[0]}`);
  return began_ms;
}

async function atOnce(posts: Posts, agent: Agent): Promise<readonly number[]> {
  const statuses: number[] = [];
  let next = 0;
  async function connection(): Promise<void> {
    for (let n = next++; n < posts.amount; n = next++)
      statuses.push(await post(posts.url, agent, bodyOf(1, `${process.pid}-${n}`)));
  }
  await Promise.all(Array.from({ length: posts.connections }, connection));
  return statuses;
}

async function evenly(posts: Posts, rate: number, agent: Agent): Promise<readonly number[]> {
  const began = performance.now();
  const answers: Promise<number>[] = [];
  for (let n = 0; n < posts.amount; n += 1) {
    const wait_ms = began + (n * 1000) / rate - performance.now();
    if (wait_ms > 0) await new Promise((resolve) => setTimeout(resolve, wait_ms));
    answers.push(post(posts.url, agent, bodyOf(1, `${process.pid}-${n}`)));
  }
  return Promise.all(answers);
}

function post(url: string, agent: Agent, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'Alertmanager/0.25.0',
    };
    const options = { method: 'POST', agent, headers };
    const sent = request(`${url}/webhook`, options, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

if (process.argv[1] === import.meta.filename)
  process.stdout.write(String(await sendAll(JSON.parse(process.argv[2] ?? '{}') as Posts)));
