import { parseDuration } from '../core/duration.ts';
import type { Json } from '../core/json.ts';
import type { Problem } from '../core/rules/diagnostic.ts';
import { type Matcher, parseMatcher } from '../core/rules/matcher.ts';
import { parseYaml } from '../core/rules/yaml-parse.ts';
import {
  type Path,
  problemAt,
  problemIn,
  problemOfFile,
  type YamlSource,
} from '../core/rules/yaml-source.ts';
import { listOf, mapOf, textOf } from './values.ts';
import { type Webhook, webhooksOf } from './webhooks.ts';

/** What alertmanager.yml says about who gets which alert. */
export interface Alertmanager {
  readonly source: YamlSource;
  readonly root: Route;
  readonly webhooks: readonly Webhook[];
}

/** A route with what it inherits. */
export interface Route {
  readonly path: Path;
  readonly receiver: string;
  readonly matchers: readonly Matcher[];
  readonly continue: boolean;
  readonly group_interval: Interval;
  readonly repeat_interval: Interval;
  readonly routes: readonly Route[];
}
/** `path`: where it is written; undefined: nowhere, and Alertmanager's default holds. */
export interface Interval {
  readonly ms: number;
  readonly path: Path | undefined;
}

/** Nobody nests routes deeper; a file from outside must not recurse without a bound. */
export const ROUTES_DEPTH_MAX = 50;
/** Alertmanager's defaults. */
const DEFAULTS = {
  receiver: '',
  group_interval: { ms: 300_000, path: undefined },
  repeat_interval: { ms: 14_400_000, path: undefined },
};
type Inherited = Pick<Route, 'receiver' | 'group_interval' | 'repeat_interval'>;

/** Reads alertmanager.yml. `url`: where autoheal's webhook is; undefined: any address whose path ends in /webhook. */
export function readAlertmanager(
  file: string,
  text: string,
  url: string | undefined,
): { readonly alertmanager?: Alertmanager; readonly problems: readonly Problem[] } {
  const { source, problems } = parseYaml(file, text);
  if (source === undefined) return { problems };
  const route = mapOf(source.value)['route'];
  if (route === undefined) {
    const fix = "give Alertmanager's own configuration";
    return { problems: [problemOfFile(file, 'it has no "route"', fix)] };
  }
  const found: Problem[] = [];
  const root = routeOf({ source, problems: found }, route, ['route'], DEFAULTS);
  if (found.length > 0) return { problems: found };
  return { alertmanager: { source, root, webhooks: webhooksOf(source, url) }, problems: [] };
}

/** Every route below this one, itself first; each with the matchers of those above it and its own. */
export function routesOf(
  route: Route,
  above: readonly Matcher[] = [],
): readonly { readonly route: Route; readonly matchers: readonly Matcher[] }[] {
  const matchers = [...above, ...route.matchers];
  return [{ route, matchers }, ...route.routes.flatMap((child) => routesOf(child, matchers))];
}

interface Reading {
  readonly source: YamlSource;
  readonly problems: Problem[];
}

function routeOf(reading: Reading, value: Json, path: Path, above: Inherited): Route {
  const written = mapOf(value);
  const inherited: Inherited = {
    receiver: textOf(written['receiver']) || above.receiver,
    group_interval: intervalOf(
      written['group_interval'],
      [...path, 'group_interval'],
      above.group_interval,
    ),
    repeat_interval: intervalOf(
      written['repeat_interval'],
      [...path, 'repeat_interval'],
      above.repeat_interval,
    ),
  };
  const below = listOf(written['routes']);
  const too_deep = path.length > 2 * ROUTES_DEPTH_MAX;
  if (too_deep && below.length > 0)
    reading.problems.push(
      problemAt(
        reading.source,
        path,
        `routes nest deeper than ${ROUTES_DEPTH_MAX}`,
        'flatten them',
      ),
    );
  return {
    ...inherited,
    path,
    matchers: matchersOf(reading, written, path),
    continue: written['continue'] === true,
    routes: too_deep
      ? []
      : below.map((child, at) => routeOf(reading, child, [...path, 'routes', at], inherited)),
  };
}

function intervalOf(value: Json | undefined, path: Path, above: Interval): Interval {
  const ms = parseDuration(textOf(value));
  return ms === undefined ? above : { ms, path };
}

/* ---------------------------------------------------------------- matchers */

function matchersOf(
  reading: Reading,
  route: { readonly [key: string]: Json },
  path: Path,
): readonly Matcher[] {
  const old = [
    ...oldMatchers(route['match'], '=', [...path, 'match']),
    ...oldMatchers(route['match_re'], '=~', [...path, 'match_re']),
  ];
  const current = listOf(route['matchers']).flatMap((text, at) =>
    splitMatchers(textOf(text)).map((part) => ({ text: part, place: [...path, 'matchers', at] })),
  );
  return [...old, ...current].flatMap(({ text, place }) => {
    const parsed = parseMatcher(text);
    if (parsed.ok) return [parsed.matcher];
    reading.problems.push(problemIn(reading.source, place, parsed));
    return [];
  });
}

function oldMatchers(
  value: Json | undefined,
  op: string,
  path: Path,
): readonly { readonly text: string; readonly place: Path }[] {
  return Object.entries(mapOf(value)).map(([label, wanted]) => ({
    text: `${quoted(label)}${op}${quoted(textOf(wanted))}`,
    place: [...path, label],
  }));
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}

/** `{a="b", c=~"d"}` is two; commas within quotes are text. An empty value may be left out: `a=`. */
function splitMatchers(text: string): readonly string[] {
  const inner = text.trim().replace(/^\{/, '').replace(/\}$/, '');
  const parts = inner.match(/(?:"(?:[^"\\]|\\.)*"|[^",]|")+/g) ?? [];
  const given = parts.map((part) => part.trim()).filter((part) => part !== '');
  return given.map((part) => (/^[^"]*[=~]$/.test(part) ? `${part}""` : part));
}
