import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';

/** An OpenAPI document, as far as an answer is checked against it. */
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
interface Operation {
  readonly responses: Readonly<Record<string, object>>;
}
interface Answered {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}
export interface Contract {
  /** Fails the test when the document does not allow this answer. */
  check(answer: Answered): void;
}

/** The validator is not the library that makes the schemas, so that it cannot share its mistakes. */
export function contractOf(document: Document): Contract {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true });
  ajv.addFormat('date-time', (text) => !Number.isNaN(Date.parse(text)));
  // The document is the root that `#/components/...` counts from.
  ajv.addVocabulary(Object.keys(document));
  ajv.addSchema(document, 'api');
  const paths = Object.keys(document.paths).map((path) => ({ path, pattern: patternOf(path) }));

  function operationOf(method: string, path: string): readonly [string, Operation] | undefined {
    const known = paths.find(({ pattern }) => pattern.test(path.replace(/\/{2,}/g, '/')))?.path;
    const verb = (method === 'HEAD' ? 'GET' : method).toLowerCase();
    const operation = known === undefined ? undefined : document.paths[known]?.[verb];
    return operation && [`api#/paths/${escaped(known ?? '')}/${verb}`, operation];
  }

  function check({ method, path, status, headers, body }: Answered): void {
    const type = (headers.get('content-type') ?? '').split(';', 1)[0] ?? '';
    const [at, operation] = operationOf(method, path) ?? ['', undefined];
    const key = operation?.responses[status] === undefined ? 'default' : String(status);
    const what = `${method} ${path} ${status} ${type}`;
    // A path or a method that is not ours can only be refused.
    if (operation === undefined || key === 'default') {
      expect([what, type]).toEqual([what, 'application/problem+json']);
      if (method !== 'HEAD') validate('api#/components/schemas/Problem', body, what);
      return;
    }
    const content = (operation.responses[key] as { content?: Record<string, object> }).content;
    if (content === undefined) return expect([what, type]).toEqual([what, '']);
    expect(Object.keys(content), what).toContain(type);
    if (method === 'HEAD' || body === undefined) return;
    validate(`${at}/responses/${key}/content/${escaped(type)}/schema`, body, what);
  }

  function validate(pointer: string, body: unknown, what: string): void {
    const valid = ajv.validate({ $ref: pointer }, body);
    expect([what, valid, ajv.errors ?? []]).toEqual([what, true, []]);
  }

  return { check };
}

function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}

function patternOf(path: string): RegExp {
  return new RegExp(
    `^${path
      .replaceAll('.', '\\.')
      .replaceAll(/\{\w+\}/g, '[^/]+')
      .replace(/\/$/, '')}/?$`,
  );
}
