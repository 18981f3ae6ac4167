import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDelivery } from '../../../src/core/alerts/alert.ts';
import { REDACT_ALL, REDACTED, redactBody } from '../../../src/core/alerts/redact.ts';
import { judgeDelivery } from '../../../src/core/alerts/judge.ts';
import { compilePolicy } from '../../../src/core/rules/policy-compile.ts';

function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
}
function parsed(body: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(body));
}
function policy(text: string) {
  const { policy: compiled } = compilePolicy({ file: 'autoheal.yaml', text });
  if (compiled === undefined) throw new Error('the policy does not compile');
  return compiled.redact;
}

const BODY = {
  version: '4',
  receiver: 'autoheal',
  status: 'firing',
  groupKey: '{}:{}',
  groupLabels: { alertname: 'A' },
  commonLabels: { alertname: 'A', customer: 'acme' },
  commonAnnotations: { description: 'call +49 170 1', runbook: 'r' },
  externalURL: 'http://am',
  truncatedAlerts: 0,
  orgId: 1,
  message: 'Alert: call +49 170 1',
  alerts: [
    {
      status: 'firing',
      labels: { alertname: 'A', customer: 'acme', count: 12_345_678_901_234_567n.toString() },
      annotations: { description: 'call +49 170 1', summary: 'card 4111-1111 used', runbook: 'r' },
      startsAt: '2026-01-01T00:00:00Z',
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: 'http://p/graph',
      fingerprint: '00000000000000aa',
      valueString: '[ call +49 170 1 ]',
    },
  ],
};

describe('a body without what the policy leaves out', () => {
  test('named annotations are replaced wherever they stand; labels and times are as they were', () => {
    const found = parsed(redactBody(bytes(BODY), policy('redact: { annotations: [description] }')));
    expect(JSON.stringify(found)).not.toContain('+49');
    expect(found).toEqual({
      ...BODY,
      message: REDACTED,
      commonAnnotations: { description: REDACTED, runbook: 'r' },
      alerts: [
        {
          ...BODY.alerts[0],
          annotations: { ...BODY.alerts[0]?.annotations, description: REDACTED },
          valueString: REDACTED,
        },
      ],
    });
  });

  test('what fits a pattern is cut out of every annotation', () => {
    const redaction = policy(`redact: { patterns: ['[0-9]{4}-[0-9]{4}', '\\+[0-9 ]+'] }`);
    const [alert] = (parsed(redactBody(bytes(BODY), redaction)) as typeof BODY).alerts;
    expect(alert?.annotations).toEqual({
      description: `call ${REDACTED}`,
      summary: `card ${REDACTED} used`,
      runbook: 'r',
    });
  });

  test('patterns look at so much of a delivery; what comes behind is left out whole', () => {
    const redaction = policy("redact: { patterns: ['secret', 'other'] }");
    const long = 'x'.repeat(600_000);
    const annotations = { a: `a secret ${long}`, b: `b secret ${long}`, c: 'c' };
    const body = bytes({ alerts: [{ status: 'firing', labels: { a: 'b' }, annotations }] });
    const [alert] = (parsed(redactBody(body, redaction)) as typeof BODY).alerts;
    expect(alert?.annotations).toEqual({ a: `a ${REDACTED} ${long}`, b: REDACTED, c: REDACTED });
    // The next delivery has as much again.
    const [again] = (parsed(redactBody(bytes(BODY), redaction)) as typeof BODY).alerts;
    expect(again?.annotations).toEqual(BODY.alerts[0]?.annotations);
  });

  test('a policy that cannot be read leaves out all annotations', () => {
    const [alert] = (parsed(redactBody(bytes(BODY), REDACT_ALL)) as typeof BODY).alerts;
    expect(new Set(Object.values(alert?.annotations ?? {}))).toEqual(new Set([REDACTED]));
  });

  test('without a policy of redaction the very bytes are stored', () => {
    const body = bytes(BODY);
    expect(redactBody(body, policy(''))).toBe(body);
    expect(redactBody(body, policy('redact: {}'))).toBe(body);
  });

  test.each([['no json'], ['[1]'], ['null'], ['']])('%s comes back as it is', (text) => {
    expect(redactBody(bytes(text), REDACT_ALL)).toEqual(bytes(text));
  });
});

describe('the drain reads the same', () => {
  const scalar = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.integer());
  const fields = fc.dictionary(fc.string(), scalar, { maxKeys: 6 });
  const alert = fc.record(
    {
      status: fc.constantFrom('firing', 'resolved', 'odd', undefined),
      labels: fc.oneof(fields, fc.constant(undefined), scalar),
      annotations: fc.oneof(fields, scalar, fc.constant({ secret: 's3cret-value', deep: [1] })),
      startsAt: fc.constantFrom('2026-01-01T00:00:00Z', 'soon'),
      generatorURL: scalar,
      fingerprint: fc.constantFrom('00000000000000aa', 12, undefined),
    },
    { requiredKeys: [] },
  );
  const body = fc.record({ status: fc.constantFrom('firing', 'odd'), alerts: fc.array(alert) });

  test('but for the annotations: whatever the body is', () => {
    const redaction = policy('redact: { annotations: [secret] }');
    fc.assert(
      fc.property(body, (value) => {
        const before = bytes(value);
        const after = redactBody(before, redaction);
        expect(judgeDelivery(after)).toEqual(judgeDelivery(before));
        expect(withoutSecret(after)).toEqual(withoutSecret(before));
        expect(new TextDecoder().decode(after)).not.toContain('s3cret-value');
      }),
    );
  });

  test('a number beyond what JSON can say stays what it was read as', () => {
    const text = '{"alerts":[{"status":"firing","labels":{"a":1e999,"__proto__":"x"}}]}';
    const after = redactBody(bytes(text), REDACT_ALL);
    expect(readDelivery(after)).toEqual(readDelivery(bytes(text)));
  });

  /** What is read, without the annotations that differ on purpose. */
  function withoutSecret(of: Uint8Array): unknown {
    const read = readDelivery(of);
    if (!read.ok) return read;
    const alerts = read.delivery.alerts.map((each) => {
      const { secret: _, deep: __, ...annotations } = each.annotations;
      return { ...each, annotations: { ...annotations } };
    });
    return { ...read.delivery, alerts };
  }
});
