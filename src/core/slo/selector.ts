import type { Selector } from './model.ts';

const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
/** Label matchers without braces; empty, or `a="b",c!~"d"`. */
const MATCHERS = /^(?:[a-zA-Z_]\w*(?:=~|!~|!=|=)"[^"\\{}']*"(?:,(?!$)|$))*$/;
const WHOLE_EDGE = /(?:^|,)le(=~?|!=|!~)"(\d+)"/;
const CHARS_MAX = 1_000;

export interface Refused {
  readonly message: string;
  readonly fix: string;
}

/** A query of an SLO: a plain selector, because the rules put rate, sum and the window around it. */
export function parseSelector(text: string): Selector | Refused {
  const query = text.trim();
  if (query.length > CHARS_MAX)
    return { message: `is longer than ${CHARS_MAX} characters`, fix: 'shorten it' };
  if (/[[(]/.test(query.replaceAll(/"[^"]*"/g, '')))
    return {
      message: 'is more than a plain selector',
      fix: 'write metric{label="value"} only; the rules add sum, rate and the window',
    };
  const metric = METRIC.exec(query)?.[0];
  if (metric === undefined)
    return {
      message: 'does not begin with the name of a metric',
      fix: 'write it like up{job="api"}',
    };
  const rest = query.slice(metric.length);
  const braces = /^\{(.*)\}$/.exec(rest);
  if (rest !== '' && braces === null)
    return {
      message: `"${rest.slice(0, 40)}" after the name of the metric is not understood`,
      fix: 'names have letters, digits, "_" and ":"; then {label="value"}',
    };
  const matchers = (braces?.[1] ?? '').replaceAll(/\s*,\s*/g, ',').trim();
  if (!MATCHERS.test(matchers))
    return {
      message: `the label matchers {${matchers}} cannot be used`,
      fix: 'write them like outcome="accepted",le="0.25"',
    };
  const edge = WHOLE_EDGE.exec(matchers);
  if (edge !== null)
    return {
      message: `le="${edge[2]}" is another label in Prometheus 3, which writes "${edge[2]}.0"`,
      fix: `write le=~"${edge[2]}|${edge[2]}.0", or use an edge that is not whole`,
    };
  return { metric, matchers };
}
