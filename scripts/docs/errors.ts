import { ERROR_ADVICE, ERRORS, type ErrorCode } from '../../src/core/errors.ts';
import { code, type Page, prose, table } from './markdown.ts';

/** Every code of a problem document. */
export function errorsPage(): Page {
  const rows = Object.entries(ERRORS).map(([name, { status, title }]) => [
    code(name),
    String(status),
    prose(title),
    prose(ERROR_ADVICE[name as ErrorCode]),
  ]);
  return {
    name: 'errors',
    title: 'Reference: errors of the API',
    about: 'every `code` of a problem document, its status, and what to do',
    body: [
      'Every error is a problem document; [errors](../errors.md) shows one and its members. Failures of actions have words of',
      'their own: [actions](actions.md#words-of-failures).',
      '',
      ...table(['code', 'status', 'title', 'what to do'], rows),
    ],
  };
}
