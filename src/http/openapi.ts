import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../core/errors.ts';
import { createSchemas, type JsonSchema, type Schemas } from './json-schemas.ts';
import type { Field } from './query.ts';
import { isLimited } from './rate-limit.ts';
import { route, type AnswerSpec, type Route, type RouteInfo } from './route.ts';

/** Of the interface, not of the program: the number in its paths. */
const API_VERSION = '1';
const JSON_TYPE = 'application/json';
const PROBLEM_JSON = 'application/problem+json';
const PROBLEM_REF = { $ref: '#/components/schemas/Problem' };
const RATE_LIMITED = {
  description: 'Too many requests of this client: AUTOHEAL_API_RATE_LIMIT',
  headers: {
    'Retry-After': {
      description: 'Seconds until it may ask again',
      schema: { type: 'integer', minimum: 1 },
    },
  },
  content: { [PROBLEM_JSON]: { schema: PROBLEM_REF } },
};

/** RFC 9457; some codes bring more members. */
const Problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  detail: z.string(),
  instance: z.string(),
});

/** `infos` gives all routes, this one too. The document is made on the first request and kept. */
export function openApiRoute(infos: () => readonly RouteInfo[]): Route {
  let text: string | undefined;
  return route({
    method: 'GET',
    path: '/openapi.json',
    access: 'viewer',
    summary: 'This API as an OpenAPI 3.1 document.',
    answers: {
      200: {
        description: 'The document',
        schema: z.looseObject({ openapi: z.string(), paths: z.looseObject({}) }),
      },
    },
    handle: async () => {
      text ??= JSON.stringify(openApiDocument(infos()));
      return { status: 200, text, headers: { 'content-type': JSON_TYPE } };
    },
  });
}

/** Made from the routes' declarations alone, so that it cannot say anything else than they do. */
export function openApiDocument(infos: readonly RouteInfo[]): JsonSchema {
  const schemas = createSchemas();
  const paths: Record<string, Record<string, unknown>> = {};
  for (const info of infos) {
    const operations = (paths[info.path] ??= {});
    operations[info.method.toLowerCase()] = operationOf(info, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'autoheal',
      version: API_VERSION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Errors are problem documents (RFC 9457) with a stable code. HEAD works wherever GET does. ' +
        'Where no token is configured none is asked for, and only the machine itself is served.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { ...schemas.shared, Problem: schemas.of(Problem, 'output') },
      responses: {
        Problem: {
          description: 'What is wrong',
          content: { [PROBLEM_JSON]: { schema: PROBLEM_REF } },
        },
      },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token' },
        basic: { type: 'http', scheme: 'basic', description: 'Any user; the token as password' },
      },
    },
  };
}

function operationOf(info: RouteInfo, schemas: Schemas): JsonSchema {
  const { access, answers } = info;
  const body = info.body ?? info.body_read_by_handler;
  return {
    operationId: operationId(info),
    summary: info.summary,
    description: access === 'open' ? 'Open to everybody.' : `Needs: ${access}.`,
    parameters: parametersOf(info, schemas),
    ...(body && {
      requestBody: {
        required: info.body !== null,
        content: { [JSON_TYPE]: { schema: schemas.of(body, 'input') } },
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, spec]) => [
          status,
          responseOf(Number(status), spec, schemas),
        ]),
      ),
      ...(isLimited(access) && { 429: RATE_LIMITED }),
      default: { $ref: '#/components/responses/Problem' },
    },
    security: access === 'open' ? [] : [{ bearer: [access] }, { basic: [access] }],
  };
}

/** `GET /api/v1/flags/{key}` is `get_flags_by_key`. */
function operationId({ method, path }: RouteInfo): string {
  const words = path
    .replace(/^\/(api|ofrep)\/v\d+\//, (_, api: string) => (api === 'ofrep' ? '/ofrep/' : '/'))
    .replaceAll(/\{(\w+)\}/g, 'by_$1')
    .split(/[^\w]+/)
    .filter(Boolean);
  return [method.toLowerCase(), ...(words.length === 0 ? ['root'] : words)].join('_');
}

function parametersOf(info: RouteInfo, schemas: Schemas): readonly JsonSchema[] {
  const in_path = [...info.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', minLength: 1, maxLength: 256 },
  }));
  const in_query = Object.entries(info.query).map(([name, field]) => ({
    name,
    in: 'query',
    description: field.description,
    schema: fieldSchema(field, schemas),
  }));
  const headers = {
    ...info.headers,
    ...(info.access === 'operator' && {
      'Idempotency-Key': 'The same request with the same key within 24 h is done once',
    }),
  };
  const in_headers = Object.entries(headers).map(([name, description]) => ({
    name,
    in: 'header',
    description,
    schema: { type: 'string' },
  }));
  return [...in_path, ...in_query, ...in_headers];
}

function fieldSchema({ schema, many }: Field, schemas: Schemas): JsonSchema {
  // What a text means to a person stands in `wire`: 5 for limit is a number, though a URL has only text.
  const wire = schema.meta()?.['wire'] as JsonSchema | undefined;
  const one = wire ?? schemas.of(schema, 'input');
  return many ? { type: 'array', items: one } : one;
}

function responseOf(status: number, spec: AnswerSpec, schemas: Schemas): JsonSchema {
  const { description, schema, text = [] } = spec;
  const content = {
    ...(schema && { [JSON_TYPE]: { schema: schemas.of(schema, 'output') } }),
    ...Object.fromEntries(text.map((type) => [type, { schema: { type: 'string' } }])),
    // A status that has bodies of its own can still come from the border as a problem.
    ...(status >= 400 && { [PROBLEM_JSON]: { schema: PROBLEM_REF } }),
  };
  return Object.keys(content).length === 0 ? { description } : { description, content };
}
