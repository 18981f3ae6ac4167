import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { afterEach, describe, expect, test } from 'vitest';
import { FLAG } from './values.ts';
import { startWorld, type World } from './world.ts';

let world: World;
afterEach(async () => {
  await OpenFeature.close();
  await world.close();
});

const SINGLE = '/ofrep/v1/evaluate/flags/heuristics-only';
const BULK = '/ofrep/v1/evaluate/flags';

async function client(headers: [string, string][] = []) {
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: world.url, headers }));
  return OpenFeature.getClient();
}

describe('with the OpenFeature SDK', () => {
  test('flags of each type are read, with their metadata', async () => {
    world = await startWorld();
    const sdk = await client();
    const details = await sdk.getBooleanDetails('heuristics-only', false, { targetingKey: 'u' });
    expect(details).toMatchObject({
      value: true,
      reason: 'TARGETING_MATCH',
      variant: 'true',
      flagMetadata: { type: 'boolean', rule: 'ai-errors', until: '2026-03-01T12:01:00.000Z' },
    });
    expect(details.errorCode).toBeUndefined();
    expect(await sdk.getStringValue('ai-model', 'none')).toBe('small');
    expect(await sdk.getNumberDetails('max-batch', 1)).toMatchObject({ value: 8 });
  });

  test('the next read sees the end of a lease', async () => {
    world = await startWorld();
    const sdk = await client();
    expect(await sdk.getBooleanValue('heuristics-only', false)).toBe(true);
    world.state.flags.set('heuristics-only', { ...FLAG, value: false, lease: null });
    const details = await sdk.getBooleanDetails('heuristics-only', true);
    expect(details).toMatchObject({ value: false, reason: 'DEFAULT' });
  });

  test('an unknown flag is FLAG_NOT_FOUND, and the default of the code stands', async () => {
    world = await startWorld();
    const details = await (await client()).getBooleanDetails('nobody-declared', true);
    expect(details).toMatchObject({ value: true, errorCode: 'FLAG_NOT_FOUND' });
  });

  test('a wrong type is TYPE_MISMATCH', async () => {
    world = await startWorld();
    const details = await (await client()).getBooleanDetails('ai-model', true);
    expect(details).toMatchObject({ value: true, errorCode: 'TYPE_MISMATCH' });
  });

  test('a viewer may read, a stranger gets the default', async () => {
    world = await startWorld({
      tokens: { webhook: [], api: [{ role: 'viewer', token: 'view' }] },
    });
    const stranger = await client();
    expect(await stranger.getBooleanDetails('heuristics-only', false)).toMatchObject({
      value: false,
      reason: 'ERROR',
    });
    const viewer = await client([['Authorization', 'Bearer view']]);
    expect(await viewer.getBooleanValue('heuristics-only', false)).toBe(true);
  });

  test('a flag that cannot be read is GENERAL, without the cause', async () => {
    world = await startWorld();
    world.deps.flags.get = async () => {
      throw new Error('secret');
    };
    const details = await (await client()).getBooleanDetails('heuristics-only', false);
    expect(details).toMatchObject({ value: false, errorCode: 'GENERAL' });
    expect(details.errorMessage).not.toContain('secret');
    expect(world.state.logged).toHaveLength(1);
  });
});

describe('single', () => {
  test.each([
    ['{', 'PARSE_ERROR'],
    ['[]', 'PARSE_ERROR'],
    ['null', 'PARSE_ERROR'],
    ['{"context":[]}', 'INVALID_CONTEXT'],
    ['{"context":null}', 'INVALID_CONTEXT'],
    ['{"context":"u"}', 'INVALID_CONTEXT'],
  ])('the body %s is 400 %s', async (body, errorCode) => {
    world = await startWorld();
    const headers = { 'content-type': 'application/json' };
    const reply = await world.call('POST', SINGLE, { body, headers });
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ key: 'heuristics-only', errorCode });
  });

  test('a context is not needed', async () => {
    world = await startWorld();
    expect((await world.call('POST', SINGLE, { json: {} })).status).toBe(200);
    expect((await world.call('POST', SINGLE)).status).toBe(200);
  });

  test('what an operator set is STATIC', async () => {
    world = await startWorld();
    const reply = await world.call('POST', `${BULK}/ai-model`, {
      json: { context: { targetingKey: 'u' } },
    });
    // The fixture's lease stands on every flag; without it the value was set by hand.
    expect(reply.body.reason).toBe('TARGETING_MATCH');
    const flag = { ...FLAG, key: 'ai-model', default: 'large', value: 'small', lease: null };
    world.state.flags.set('ai-model', { ...flag, type: 'string' });
    expect((await world.call('POST', `${BULK}/ai-model`)).body.reason).toBe('STATIC');
  });

  test('GET is not part of the protocol', async () => {
    world = await startWorld();
    const reply = await world.call('GET', SINGLE);
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('bulk', () => {
  test('answers all flags with an ETag that changes only with them', async () => {
    world = await startWorld();
    const first = await world.call('POST', BULK, { json: { context: {} } });
    expect(first.body.flags.map((flag: { key: string }) => flag.key)).toEqual([
      'ai-model',
      'heuristics-only',
      'max-batch',
    ]);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]+"$/);
    const same = await world.call('POST', BULK, { json: {}, headers: { 'if-none-match': etag } });
    expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', etag]);
    world.state.flags.set('heuristics-only', { ...FLAG, value: false });
    const next = await world.call('POST', BULK, { json: {}, headers: { 'if-none-match': etag } });
    expect(next.status).toBe(200);
    expect(next.headers.get('etag')).not.toBe(etag);
  });

  test.each([
    ['*', 304],
    ['W/ETAG', 304],
    ['"other", ETAG', 304],
    ['"other"', 200],
    ['', 200],
  ])('If-None-Match %s is %i', async (template, status) => {
    world = await startWorld();
    const etag = (await world.call('POST', BULK)).headers.get('etag') ?? '';
    const headers = { 'if-none-match': template.replace('ETAG', etag) };
    expect((await world.call('POST', BULK, { headers })).status).toBe(status);
  });

  test('a bad body has no key', async () => {
    world = await startWorld();
    const reply = await world.call('POST', BULK, { json: { context: 1 } });
    expect(reply.body).toEqual({
      errorCode: 'INVALID_CONTEXT',
      errorDetails: expect.any(String),
    });
  });
});
