import { describe, expect, test } from 'vitest';
import { createFirings } from '../../src/rehearsal/backtest/intervals.ts';
import { type LineDelivery, readLine, readLines } from '../../src/rehearsal/backtest/lines.ts';

const AT = '2026-03-01T12:00:00.000Z';
const HEAD = `{"id":"d-1","received_at":"${AT}","source":"grafana","body":`;

async function read(...chunks: readonly string[]): Promise<readonly LineDelivery[]> {
  async function* bytes() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  return all(readLines(bytes(), 'month.ndjson'));
}

async function all<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function textOf({ body }: LineDelivery): string {
  return Buffer.from(body).toString();
}

describe('a line', () => {
  test('of an export keeps its body byte by byte', () => {
    const body = '{ "alerts": [], "n": 12345678901234567890 }';
    const found = readLine(Buffer.from(`${HEAD}${body}}`), 'x:1');
    expect([found.at, found.source, textOf(found)]).toEqual([Date.parse(AT), 'grafana', body]);
    expect(() => found.check?.()).not.toThrow();
  });

  test.each([
    ['in another order', `{"body":{"alerts":[]},"received_at":"${AT}"}`, '{"alerts":[]}'],
    ['as base64', `{"received_at":"${AT}","body_base64":"/wA="}`, '\uFFFD\0'],
    ['a raw body', `{"received_at":"${AT}","alerts":[]}`, `{"received_at":"${AT}","alerts":[]}`],
  ])('%s', (_what, line, body) => {
    const found = readLine(Buffer.from(line), 'x:1');
    expect([found.at, found.source, textOf(found)]).toEqual([Date.parse(AT), 'alertmanager', body]);
  });

  test.each([
    ['{"received_at"', /^month\.ndjson:2: the line is no JSON \(.+\); was the file cut off/],
    ['[]', /^month\.ndjson:2: the line is no JSON object; write \{"received_at"/],
    ['{"body":{}}', /^month\.ndjson:2: it has no "received_at" that is an RFC 3339 time; write/],
    [`{"received_at":"${AT}"}`, /^month\.ndjson:2: it has no "body", and is no webhook body/],
    [
      '{"received_at":"2026-03-01T11:00:00Z","alerts":[]}',
      /^month\.ndjson:2: it was received before the line above it; sort the file by received_at$/,
    ],
  ])('%s is an error with its place and the fix', async (line, message) => {
    const first = `{"received_at":"${AT}","alerts":[]}`;
    await expect(read(`${first}\n${line}\n`)).rejects.toThrow(message);
  });

  test('that was cut within its body is found by whoever reads the body', () => {
    const found = readLine(Buffer.from(`${HEAD}{"alerts":[{"labels":{}}`), 'x:7');
    expect(() => found.check?.()).toThrow(/^x:7: the line is no JSON/);
  });
});

test('lines come whole, however their bytes come', async () => {
  const lines = ['a', 'ü', 'c'].map((text) => `{"received_at":"${AT}","alerts":["${text}"]}`);
  const whole = Buffer.from(`${lines[0]}\r\n\n${lines[1]}\n${lines[2]}`);
  for (const size of [1, 7, 64, 1_000]) {
    const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
      whole.subarray(at * size, (at + 1) * size),
    );
    const found = await all(readLines(from(chunks), 'x'));
    expect(found.map(textOf)).toEqual(lines);
  }
});

async function* from(chunks: readonly Uint8Array[]) {
  yield* chunks;
}

describe('firings of Prometheus', () => {
  const step_ms = 60_000;
  const labels = { __name__: 'ALERTS', alertstate: 'firing', alertname: 'Down', pod: 'a' };
  const options = { step_ms, repeat_ms: 180_000 };

  function said(deliveries: readonly { at: number; body: Uint8Array }[]) {
    return deliveries.map(({ at, body }) => {
      const { alerts } = JSON.parse(Buffer.from(body).toString()) as {
        alerts: { status: string; labels: { pod: string }; startsAt: string }[];
      };
      return [
        at / step_ms,
        ...alerts.map(
          (one) => `${one.labels.pod} ${one.status} ${Date.parse(one.startsAt) / step_ms}`,
        ),
      ];
    });
  }

  test('are sent at their start, again while they last, and at their end, across looks', () => {
    const firings = createFirings(options);
    const times = [1, 2, 3, 4, 5, 7].map((at) => at * step_ms);
    const first = firings.take([{ labels, times: times.slice(0, 3) }], 3 * step_ms);
    const rest = firings.take([{ labels, times: times.slice(3) }], 9 * step_ms);
    expect(said([...first, ...rest])).toEqual([
      [1, 'a firing 1'],
      [4, 'a firing 1'],
      [6, 'a resolved 1'],
      [7, 'a firing 7'],
      [8, 'a resolved 7'],
    ]);
  });

  test('of one name and instant come together, without what Prometheus adds', () => {
    const b = { ...labels, pod: 'b' };
    const [one] = createFirings(options).take(
      [
        { labels, times: [step_ms] },
        { labels: b, times: [step_ms] },
      ],
      step_ms,
    );
    const { alerts } = JSON.parse(Buffer.from(one?.body ?? []).toString());
    expect(alerts.map((alert: { labels: object }) => alert.labels)).toEqual([
      { alertname: 'Down', pod: 'a' },
      { alertname: 'Down', pod: 'b' },
    ]);
  });
});
