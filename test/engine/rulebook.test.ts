import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createIds } from '../../src/adapters/ids.ts';
import { createMetrics } from '../../src/adapters/metrics.ts';
import { openSqliteStore } from '../../src/adapters/store/open.ts';
import type { Rulebook } from '../../src/engine/api.ts';
import {
  AUDIT_RENDERED_MAX,
  createRulebook,
  PINNED_MAX,
  type RuleTexts,
} from '../../src/engine/rulebook.ts';
import type { Store } from '../../src/store.ts';
import { CATALOGUE } from '../golden/catalogue.ts';
import { fakeClock } from '../fakes/clock.ts';

const clock = fakeClock();
let dir = '';
let store: Store;
/** What the folder holds: rules by name, and the policy. */
let rules: Record<string, string> = {};
let policy: string | null = null;
/** Runs before each read; a test may fail or delay it. */
let beforeRead: () => Promise<void>;
let reloads: unknown[] = [];
let book: Rulebook;

function scrape(): Promise<never> {
  return Promise.reject(new Error('not scraped'));
}

function newMetrics(): ReturnType<typeof createMetrics> {
  return createMetrics({ version: 'test', actions: [], backends: [], scrape });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function ruleText(name: string, more = ''): string {
  return `name: ${name}\nsummary: A rule.\nmatchers: ['alertname="${name}"']\nsteps: [{ action: restart_container, with: { container: crm } }]\n${more}`;
}

async function read(): Promise<RuleTexts> {
  await beforeRead();
  return {
    rules: Object.keys(rules)
      .toSorted()
      .map((name) => ({
        file: `rules/${name}.yaml`,
        text: rules[name] ?? '',
        hash: sha256(rules[name] ?? ''),
      })),
    policy: policy === null ? null : { file: 'autoheal.yaml', text: policy, hash: sha256(policy) },
  };
}

function newBook(on: Store): Rulebook {
  return createRulebook({
    files: { read },
    catalogueOf: ({ notifiers, flags }) => ({
      ...CATALOGUE,
      notifiers: Object.keys(notifiers),
      flags,
    }),
    store: on,
    clock,
    ids: createIds(clock),
    metrics: { ...newMetrics(), rulesReload: (...call) => reloads.push(call) },
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'autoheal-rulebook-'));
  store = await openSqliteStore({ path: join(dir, 'autoheal.db'), metrics: newMetrics(), clock });
  rules = { one: ruleText('one'), two: ruleText('two') };
  policy = null;
  beforeRead = async () => {};
  reloads = [];
  book = newBook(store);
});

afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true });
});

async function audited(): Promise<readonly (readonly [string, string, unknown])[]> {
  const { items } = await store.audit({ order: 'asc', limit: 100 });
  return items.map(({ kind, actor, detail }) => [kind, actor, detail]);
}

describe('reload', () => {
  test('before the first load there is nothing', async () => {
    expect(book.current()).toBeUndefined();
    expect(book.last()).toBeUndefined();
    expect(await book.byHash('x')).toBeUndefined();
  });

  test('the first load keeps the texts, audits and swaps', async () => {
    const result = await book.reload('autoheal');
    const version = book.current()?.version;
    expect(result).toEqual({ ok: true, version, rules: 2, changed: true });
    expect(book.last()).toBe(result);
    expect(book.current()?.rules.map((rule) => rule.name)).toEqual(['one', 'two']);
    expect(await store.ruleText(sha256(ruleText('one')))).toEqual({
      name: 'one',
      text: ruleText('one'),
    });
    expect(await audited()).toEqual([
      [
        'rules_loaded',
        'autoheal',
        { version, rules: 2, added: ['one', 'two'], removed: [], changed: [] },
      ],
    ]);
    expect(reloads).toEqual([[true, clock.now(), 2, ['one', 'two']]]);
  });

  test('where nothing changed nothing is swapped or audited', async () => {
    await book.reload('autoheal');
    const set = book.current();
    expect(await book.reload('ops')).toMatchObject({ ok: true, changed: false });
    expect(book.current()).toBe(set);
    expect(await audited()).toHaveLength(1);
  });

  test('after a restart the first load is audited though nothing changed', async () => {
    await book.reload('autoheal');
    await newBook(store).reload('autoheal');
    expect(await audited()).toHaveLength(2);
  });

  test('a change says what came, went and differs', async () => {
    await book.reload('autoheal');
    const before = book.current()?.version;
    rules = { two: ruleText('two', 'enabled: false\n'), three: ruleText('three') };
    expect(await book.reload('ops')).toMatchObject({ ok: true, changed: true, rules: 2 });
    expect(book.current()?.version).not.toBe(before);
    expect((await audited()).at(-1)).toEqual([
      'rules_loaded',
      'ops',
      {
        version: book.current()?.version,
        rules: 2,
        added: ['three'],
        removed: ['one'],
        changed: ['two'],
      },
    ]);
  });

  test('a changed policy is a change', async () => {
    await book.reload('autoheal');
    policy = 'targets: [docker/crm-api]';
    expect(await book.reload('ops')).toMatchObject({ ok: true, changed: true });
    expect(book.current()?.policy.targets).toEqual(['docker/crm-api']);
  });

  test('disabled rules are compiled too', async () => {
    rules = { off: ruleText('off', 'enabled: false\n') };
    await book.reload('autoheal');
    expect(book.current()?.rules.map((rule) => rule.enabled)).toEqual([false]);
    rules = { off: ruleText('off', 'enabled: false\nsteps: []\n') };
    expect(await book.reload('autoheal')).toMatchObject({ ok: false });
  });
});

describe('a reload with a mistake', () => {
  test('keeps the last good set, and says so everywhere', async () => {
    await book.reload('autoheal');
    const set = book.current();
    rules['two'] = ruleText('two', 'otherwise: page\n');
    const result = await book.reload('ops');
    expect(result).toMatchObject({ ok: false, problems: [{ file: 'rules/two.yaml', line: 5 }] });
    expect(book.last()).toBe(result);
    expect(book.current()).toBe(set);
    const [, entry] = (await store.audit({ order: 'asc', limit: 10 })).items;
    expect(entry).toMatchObject({
      kind: 'rules_rejected',
      actor: 'ops',
      result: 'error',
      reason: 'rules/two.yaml:5: otherwise: the policy has no notifier "page"',
      detail: { problems: 1, rendered: expect.stringContaining('  5 | otherwise: page\n') },
    });
    expect(reloads.at(-1)).toEqual([false, clock.now(), 2]);
  });

  test('in the policy does not make every rule wrong as well', async () => {
    policy = "notifiers:\n  page: { url: 'https://h/s3cret', formt: json }\n";
    rules['two'] = ruleText('two', 'otherwise: page\n');
    const result = await book.reload('ops');
    if (result.ok) throw new Error('was taken');
    expect(result.problems.map(({ file }) => file)).toEqual(['autoheal.yaml']);
    expect(result.rendered).not.toContain('s3cret');
    expect(book.current()).toBeUndefined();
  });

  test('two names that differ by case only are refused', async () => {
    rules = { one: ruleText('one'), ONE: ruleText('ONE') };
    expect(await book.reload('ops')).toMatchObject({
      ok: false,
      problems: [{ file: 'rules/one.yaml', message: expect.stringContaining('case only') }],
    });
  });

  test('the rendered text in the audit log has an end', async () => {
    rules = { bad: `name: bad\n${Array.from({ length: 200 }, (_, n) => `key${n}: x\n`).join('')}` };
    await book.reload('ops');
    const [entry] = (await store.audit({ order: 'desc', limit: 1 })).items;
    expect(entry?.detail['rendered']).toHaveLength(AUDIT_RENDERED_MAX);
  });

  test('a folder that cannot be read is a rejected reload, not a throw', async () => {
    await book.reload('autoheal');
    const set = book.current();
    beforeRead = () => Promise.reject(new Error('the rules folder x cannot be read'));
    expect(await book.reload('ops')).toMatchObject({
      ok: false,
      rendered: expect.stringContaining('the rules folder x cannot be read'),
    });
    expect(book.current()).toBe(set);
  });

  test('a store that fails leaves the set in force, and throws nothing', async () => {
    const failing: Store = { ...store, commit: () => Promise.reject(new Error('disk full')) };
    const other = newBook(failing);
    expect(await other.reload('ops')).toMatchObject({
      ok: false,
      rendered: expect.stringContaining('disk full'),
    });
    expect(other.current()).toBeUndefined();
  });
});

test('reloads asked for at once run one after the other, in order', async () => {
  let reading = 0;
  let most = 0;
  beforeRead = async () => {
    most = Math.max(most, ++reading);
    await new Promise((resolve) => setImmediate(resolve));
    reading--;
  };
  const results = await Promise.all([book.reload('a'), book.reload('b'), book.reload('c')]);
  expect(most).toBe(1);
  expect(results.map((result) => result.ok && result.changed)).toEqual([true, false, false]);
});

describe('byHash', () => {
  test('gives a rule of the set in force', async () => {
    await book.reload('autoheal');
    expect(await book.byHash(sha256(ruleText('one')))).toBe(book.current()?.rules[0]);
  });

  test('gives a rule that a reload replaced or removed', async () => {
    policy = "notifiers: { page: { url: 'https://h/x' } }";
    rules['one'] = ruleText('one', 'otherwise: page\n');
    await book.reload('autoheal');
    const hash = sha256(rules['one']);
    rules = { two: ruleText('two') };
    policy = null;
    await book.reload('autoheal');
    expect(await book.byHash(hash)).toMatchObject({ name: 'one', otherwise: 'page', hash });
    // After a restart only the stored text is left, and the policy no longer has the notifier.
    const after = newBook(store);
    await after.reload('autoheal');
    const rule = await after.byHash(hash);
    expect(rule).toMatchObject({ name: 'one', otherwise: 'page', hash });
    expect(await after.byHash(hash)).toBe(rule);
  });

  test('a text that was not there is asked for again', async () => {
    const text = ruleText('late');
    const hash = sha256(text);
    expect(await book.byHash(hash)).toBeUndefined();
    await store.commit([{ kind: 'rule_text_add', hash, name: 'late', text, at: 1 }]);
    expect(await book.byHash(hash)).toMatchObject({ name: 'late' });
  });

  test('keeps a bounded number of them', async () => {
    let asked = 0;
    const counting: Store = {
      ...store,
      ruleText: async (hash) => {
        asked++;
        return { name: hash, text: ruleText(hash) };
      },
    };
    const other = newBook(counting);
    for (let n = 0; n <= PINNED_MAX; n++) await other.byHash(`r${n}`);
    await other.byHash(`r${PINNED_MAX}`);
    expect(asked).toBe(PINNED_MAX + 1);
    await other.byHash('r0');
    expect(asked).toBe(PINNED_MAX + 2);
  });
});
