import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NO_TRACER, type OpenTracer, openTracer } from '../../src/adapters/tracing.ts';
import { AutohealError } from '../../src/core/errors.ts';
import type { Log } from '../../src/ports.ts';
import { type OtlpSink, startOtlpSink } from '../fakes/otlp.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = { trace_id: TRACE, span_id: '00f067aa0ba902b7' };

let sink: OtlpSink;
let tracer: OpenTracer;
let warned: { readonly fields: object; readonly message: string }[];

function log(): Log {
  const warn = (fields: object, message: string) => void warned.push({ fields, message });
  return { debug() {}, info() {}, warn, error: warn };
}

async function open(url: string): Promise<void> {
  tracer = await openTracer(
    {
      url,
      headers: { 'x-tenant': 'crm' },
      service_name: 'autoheal',
      service_version: '1.2.3',
      environment: 'test',
    },
    log(),
  );
}

beforeEach(async () => {
  warned = [];
  sink = await startOtlpSink();
  await open(`${sink.url}/v1/traces`);
});
afterEach(async () => {
  await tracer.close();
  await sink.close();
});

async function sent() {
  await tracer.close();
  return sink.spans();
}

describe('spans', () => {
  test('go on from the parent that was given, and nest under the one that runs', async () => {
    const headers = await tracer.span(
      {
        name: 'outer',
        kind: 'server',
        parent: PARENT,
        span_id: 'aaaaaaaaaaaaaaaa',
        attributes: { a: 'x', b: 1, c: true, d: ['p', 'q'], none: null, absent: undefined },
      },
      (span) =>
        tracer.span({ name: 'inner', kind: 'client' }, async () => {
          span.set({ late: 'y' });
          return tracer.headers();
        }),
    );
    const spans = await sent();
    const [outer, inner] = ['outer', 'inner'].map((name) =>
      spans.find((span) => span.name === name),
    );
    expect(outer).toMatchObject({
      trace_id: TRACE,
      span_id: 'aaaaaaaaaaaaaaaa',
      parent: PARENT.span_id,
      kind: 2,
      status: { code: 0 },
      attributes: { a: 'x', b: 1, c: true, d: ['p', 'q'], late: 'y' },
    });
    expect(outer?.attributes).not.toHaveProperty('none');
    expect(inner).toMatchObject({ trace_id: TRACE, parent: 'aaaaaaaaaaaaaaaa', kind: 3 });
    expect(headers).toEqual({ traceparent: `00-${TRACE}-${inner?.span_id}-01` });
  });

  test('a parent without a span is the top of a new trace with that id', async () => {
    await tracer.span({ name: 'top', parent: { trace_id: TRACE, span_id: null } }, async () => {});
    expect(await sent()).toMatchObject([{ name: 'top', trace_id: TRACE, parent: '' }]);
  });

  test('without a place there is none, and none of whoever started the work', async () => {
    await tracer.span({ name: 'outer', parent: PARENT }, () =>
      tracer.span({ name: 'elsewhere', parent: null }, () =>
        tracer.span({ name: 'lost' }, async () => expect(tracer.headers()).toEqual({})),
      ),
    );
    expect((await sent()).map(({ name }) => name)).toEqual(['outer']);
  });

  test('what is thrown fails the span and is thrown on', async () => {
    const wrong = new TypeError('a text that may quote a secret');
    const work = tracer.span({ name: 'bad', parent: PARENT }, () => Promise.reject(wrong));
    await expect(work).rejects.toBe(wrong);
    const [span] = await sent();
    expect(span?.status).toEqual({ code: 2, message: 'TypeError' });
  });

  test('an error is an event of the span where it began, once, without its message', async () => {
    const wrong = new TypeError('a text that may quote a secret');
    const outer = tracer.span({ name: 'outer', parent: PARENT }, () =>
      tracer.span({ name: 'inner' }, () => Promise.reject(wrong)),
    );
    await expect(outer).rejects.toBe(wrong);
    tracer.fault(wrong, { where: 'worker', parent: PARENT });
    const spans = await sent();
    expect(spans.map(({ name, events }) => [name, events.length])).toEqual([
      ['inner', 1],
      ['outer', 0],
    ]);
    const [event] = spans[0]?.events ?? [];
    expect(event).toMatchObject({
      name: 'exception',
      attributes: {
        'exception.type': 'TypeError',
        'exception.stacktrace': expect.stringMatching(/^TypeError\n +at .*tracing\.test\.ts/),
      },
    });
    expect(JSON.stringify(event)).not.toContain('quote');
  });

  test('a no in words of ours is an answer, not an exception', async () => {
    const no = new AutohealError('not_json', 'the body is not JSON');
    await tracer.span({ name: 'no', parent: PARENT }, () => Promise.reject(no)).catch(() => {});
    const [span] = await sent();
    expect([span?.status.message, span?.events]).toEqual(['not_json', []]);
  });

  test('a fault where no span runs has one of its own: under its place, else in a new trace', async () => {
    tracer.fault(new RangeError('Invalid time value'), { where: 'drain', parent: PARENT });
    tracer.fault(new Error('x'), { where: 'request', request_id: 'ab-1', parent: null });
    const [placed, alone] = await sent();
    expect(placed).toMatchObject({
      name: 'fault',
      trace_id: TRACE,
      parent: PARENT.span_id,
      status: { code: 2, message: 'RangeError' },
      attributes: { 'autoheal.where': 'drain' },
      events: [{ attributes: { 'exception.message': 'Invalid time value' } }],
    });
    expect(alone).toMatchObject({ parent: '', attributes: { 'autoheal.request_id': 'ab-1' } });
    expect(alone?.trace_id).not.toBe(TRACE);
  });

  test('a dropped one is not sent; one that is over has the times that were said', async () => {
    await tracer.span({ name: 'old news', parent: PARENT }, async (span) => span.drop());
    tracer.record({ name: 'long', parent: PARENT }, { from: 1_000, to: 61_000 }, 'not_healed');
    tracer.record({ name: 'nowhere', parent: null }, { from: 1, to: 2 }, null);
    expect(await sent()).toMatchObject([
      { name: 'long', start_ms: 1_000, end_ms: 61_000, status: { code: 2, message: 'not_healed' } },
    ]);
  });

  test('tell what the service is called and its version, and nothing about the machine', async () => {
    tracer.record({ name: 'one', parent: PARENT }, { from: 1, to: 2 }, null);
    const [span] = await sent();
    expect(span?.resource).toMatchObject({
      'service.name': 'autoheal',
      'service.version': '1.2.3',
      'deployment.environment.name': 'test',
    });
    const names = Object.keys(span?.resource ?? {});
    expect(names.filter((name) => /^(process|host|os)\./.test(name))).toEqual([]);
    expect(sink.posts[0]?.headers['x-tenant']).toBe('crm');
  });
});

describe('a collector that does not take them', () => {
  test('is said once, by status, and what it answered is not repeated', async () => {
    sink.answer({ status: 400, body: { error: 'you sent x-tenant: crm' } });
    for (let n = 0; n < 3; n += 1)
      tracer.record({ name: 'lost', parent: PARENT }, { from: 1, to: 2 }, null);
    await tracer.close();
    expect(warned).toEqual([
      { fields: { lost: 3, why: 'HTTP 400' }, message: 'spans could not be sent' },
    ]);
  });

  test('is not waited for when it hangs', async () => {
    sink.answer('hang');
    const result = await tracer.span({ name: 'work', parent: PARENT }, async () => 'done');
    expect(result).toBe('done');
    await tracer.close();
    expect(sink.spans()).toEqual([]);
  });

  test('user and password of its address are sent as Basic', async () => {
    await tracer.close();
    await open(`${sink.url.replace('//', '//me:s%40cret@')}/v1/traces`);
    tracer.record({ name: 'one', parent: PARENT }, { from: 1, to: 2 }, null);
    await tracer.close();
    const basic = Buffer.from('me:s@cret').toString('base64');
    expect(sink.posts[0]?.headers.authorization).toBe(`Basic ${basic}`);
  });
});

describe('off', () => {
  test('runs the work as it is', async () => {
    expect(await openTracer(undefined, log())).toBe(NO_TRACER);
    const work = NO_TRACER.span({ name: 'x', parent: PARENT }, async (span) => {
      span.set({ a: 1 });
      return 7;
    });
    expect(await work).toBe(7);
    expect(NO_TRACER.headers()).toEqual({});
    expect(NO_TRACER.enabled).toBe(false);
  });
});
