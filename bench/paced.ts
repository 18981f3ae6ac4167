import { execFile } from 'node:child_process';
import { Agent, request } from 'node:http';
import { promisify } from 'node:util';
import { bodyOf } from './load.ts';
import { CORES } from './processes.ts';

/**
 * Posts at an even pace: one alert each `1000 / rate` ms. autocannon's own rate sends a second's share as
 * fast as it can and then rests, which measures the drain of a burst, not the delay of an alert.
 */
export interface Pace {
  readonly url: string;
  /** Posts a second. */
  readonly rate: number;
  readonly duration_s: number;
}

/** From a process of its own, on the other core. @throws when an answer was not 202. */
export async function paced(pace: Pace): Promise<void> {
  const command = [process.execPath, import.meta.filename, JSON.stringify(pace)];
  const [program = '', ...args] =
    CORES === undefined ? command : ['taskset', '-c', CORES.load, ...command];
  await promisify(execFile)(program, args);
}

async function send(pace: Pace): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const amount = pace.rate * pace.duration_s;
  const began = performance.now();
  const answers: Promise<number>[] = [];
  for (let n = 0; n < amount; n += 1) {
    const wait_ms = began + (n * 1000) / pace.rate - performance.now();
    if (wait_ms > 0) await new Promise((resolve) => setTimeout(resolve, wait_ms));
    answers.push(post(pace.url, agent, bodyOf(1, `${process.pid}-${n}`)));
  }
  const bad = (await Promise.all(answers)).filter((status) => status !== 202);
  agent.destroy();
  if (bad.length > 0) throw new Error(`${bad.length} answers were not 202, e.g. ${bad[0]}`);
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
  await send(JSON.parse(process.argv[2] ?? '{}') as Pace);
