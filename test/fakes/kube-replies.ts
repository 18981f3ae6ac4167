import type { Reply } from './http.ts';

/** The API server's refusal. */
export function status(code: number, reason: string, message: string): Reply {
  return {
    status: code,
    body: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      code,
    },
  };
}

export function invalid(message: string): Reply {
  return status(422, 'Invalid', message);
}

/** The query's `dryRun`, or DeleteOptions' own. */
export function refusedDryRun(given: readonly string[]): Reply | undefined {
  const bad = given.find((value) => value !== 'All');
  if (bad === undefined) return undefined;
  return invalid(`dryRun: Unsupported value: "${bad}": supported values: "All"`);
}

/** `a=b,c in (d,e),f,!g`; undefined where it cannot be read. */
export function selects(
  selector: string,
  labels: Readonly<Record<string, string>>,
): boolean | undefined {
  const parts = selector.split(/,(?![^(]*\))/).map((part) => part.trim());
  const verdicts = parts.map((part) => holds(part, labels));
  if (verdicts.includes(undefined)) return undefined;
  return verdicts.every((verdict) => verdict === true);
}

function holds(part: string, labels: Readonly<Record<string, string>>): boolean | undefined {
  const equal = /^([\w./-]+)=([\w.-]*)$/.exec(part);
  if (equal !== null) return labels[equal[1] ?? ''] === equal[2];
  const set = /^([\w./-]+) (in|notin) \(([\w.,-]*)\)$/.exec(part);
  if (set !== null) {
    const [, key = '', operator, values = ''] = set;
    const value = labels[key];
    const among = value !== undefined && values.split(',').includes(value);
    return operator === 'in' ? among : !among;
  }
  const exists = /^(!?)([\w./-]+)$/.exec(part);
  if (exists === null) return undefined;
  return (exists[2] ?? '') in labels === (exists[1] === '');
}
