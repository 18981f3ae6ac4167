import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, describe, expect, test } from 'vitest';
import { ERRORS } from '../../src/core/errors.ts';
import { ROUTE_INFOS } from '../../src/http/routes.ts';
import { contractOf } from './contract.ts';
import { startWorld, type World } from './world.ts';

let world: World;
afterEach(() => world.close());

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly responses: Readonly<Record<string, object>>;
  readonly security: readonly object[];
}
interface Document {
  readonly openapi: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

async function served(): Promise<Document> {
  world = await startWorld();
  const reply = await world.call('GET', '/openapi.json');
  expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8');
  return reply.body as Document;
}

function operationsOf({ paths }: Document) {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
}

/** Each value under a key, however deep. */
function under(value: unknown, key: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => [
    ...(name === key ? [one] : []),
    ...under(one, key),
  ]);
}

function at(document: Document, ref: string): unknown {
  const parts = ref.slice(2).split('/');
  return parts.reduce<unknown>(
    (value, part) => (value as Record<string, unknown> | undefined)?.[part],
    document,
  );
}

describe('/openapi.json', () => {
  test('has the routes with their methods, and no other', async () => {
    const listed = operationsOf(await served()).map(({ method, path }) => `${method} ${path}`);
    const routes = ROUTE_INFOS.map(({ method, path }) => `${method.toLowerCase()} ${path}`);
    expect(listed.toSorted()).toEqual(routes.toSorted());
  });

  test('is OpenAPI 3.1: the members it asks for, in their shapes', async () => {
    const document = await served();
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: 'autoheal', version: expect.any(String) });
    const operations = operationsOf(document);
    const names = operations.map(({ operation }) => operation.operationId);
    expect(names.filter((name) => !/^[a-z][a-z_]+$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
    for (const { path, operation } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const of_path = operation.parameters.filter((parameter) => parameter.in === 'path');
      expect(of_path.map(({ name }) => name)).toEqual(named);
      expect(of_path.every(({ required }) => required === true)).toBe(true);
      const keys = operation.parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect(new Set(keys).size).toBe(keys.length);
      expect(operation.summary).not.toBe('');
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(status).toMatch(/^([1-5]\d\d|default)$/);
        expect('$ref' in response || 'description' in response).toBe(true);
      }
    }
    const names_of_shared = Object.values(document.components).flatMap((all) => Object.keys(all));
    expect(names_of_shared.filter((name) => !/^[\w.-]+$/.test(name))).toEqual([]);
  });

  test('every $ref leads somewhere, and every schema is JSON Schema 2020-12', async () => {
    const document = await served();
    const refs = [...new Set(under(document, '$ref') as string[])];
    expect(refs.length).toBeGreaterThan(5);
    expect(refs.filter((ref) => !ref.startsWith('#/') || !at(document, ref))).toEqual([]);
    const ajv = new Ajv2020({ strict: false });
    const schemas = [
      ...under(document, 'schema'),
      ...Object.values(document.components['schemas'] ?? {}),
    ] as object[];
    expect(schemas.length).toBeGreaterThan(50);
    const bad = schemas.filter((schema) => ajv.validateSchema(schema) !== true);
    expect(bad).toEqual([]);
    expect(under(document, '$defs')).toEqual([]);
  });

  test('says who may call: the open ones and the role of the others', async () => {
    const document = await served();
    for (const { path, method, operation } of operationsOf(document)) {
      const info = ROUTE_INFOS.find(
        (one) => one.path === path && one.method.toLowerCase() === method,
      );
      const roles = info?.access === 'open' ? [] : [info?.access];
      expect(operation.security.flatMap((one) => Object.values(one).flat())).toEqual(
        roles.flatMap((role) => [role, role]),
      );
      for (const scheme of operation.security.flatMap((one) => Object.keys(one))) {
        expect(document.components['securitySchemes']).toHaveProperty(scheme);
      }
    }
  });

  test('has every query parameter as a person means it, and every error code', async () => {
    const document = await served();
    for (const { path, method, query } of ROUTE_INFOS) {
      const listed = document.paths[path]?.[method.toLowerCase()]?.parameters ?? [];
      const names = listed.filter((one) => one.in === 'query').map(({ name }) => name);
      expect(names).toEqual(Object.keys(query));
    }
    expect(document.paths['/api/v1/audit']?.['get']?.parameters).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          name: 'limit',
          schema: expect.objectContaining({ type: 'integer' }),
        }),
        expect.objectContaining({ name: 'chaos', schema: { type: 'boolean' } }),
        expect.objectContaining({
          name: 'kind',
          schema: expect.objectContaining({ type: 'array' }),
        }),
      ]),
    );
    expect(document.components['schemas']?.['Problem']).toMatchObject({
      properties: { code: { enum: Object.keys(ERRORS) } },
    });
  });

  test('refuses what the API does not answer, so that the other tests mean something', async () => {
    const contract = contractOf(await served());
    const good = await world.call('GET', '/api/v1/audit');
    const answer = { method: 'GET', path: '/api/v1/audit', ...good };
    contract.check(answer);
    const [item] = good.body.items;
    for (const body of [
      {},
      { ...good.body, more: 1 },
      { ...good.body, items: [{ ...item, seq: '1' }] },
      { ...good.body, items: [{ ...item, ts: 'yesterday' }] },
    ]) {
      expect(() => contract.check({ ...answer, body })).toThrow();
    }
    expect(() => contract.check({ ...answer, status: 204 })).toThrow();
    expect(() => contract.check({ ...answer, path: '/nowhere' })).toThrow();
    const headers = new Headers({ 'content-type': 'text/html' });
    expect(() => contract.check({ ...answer, headers })).toThrow();
  });
});

test('says which routes may answer 429, and after how long to come again', async () => {
  for (const { path, operation } of operationsOf(await served())) {
    const limited = ROUTE_INFOS.some(
      (info) => info.path === path && info.access !== 'open' && info.access !== 'webhook',
    );
    expect([path, '429' in operation.responses]).toEqual([path, limited]);
    if (limited) expect(operation.responses['429']).toHaveProperty('headers.Retry-After');
  }
});
