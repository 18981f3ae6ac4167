import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Store } from '../../src/store.ts';
import { useFolder } from '../adapters/store/folder.ts';
import { startPrometheus } from '../fakes/prometheus.ts';
import { startWorld, type World } from '../http/world.ts';
import { morning, restarts, START } from '../rehearsal/recorded.ts';
import { autoheal } from './command.ts';

/** Each runs a few processes, with two threads each. */
vi.setConfig({ testTimeout: 60_000 });

const folder = useFolder();
let store: Store;
let world: World | undefined;
beforeEach(async () => {
  await mkdir(folder.path('new'));
  await mkdir(folder.path('old'));
  await writeFile(folder.path('new/crm.yaml'), ruleOf('1m'));
  await writeFile(folder.path('old/crm.yaml'), ruleOf('1h'));
});
afterEach(async () => {
  await world?.close();
  world = undefined;
});

function ruleOf(cooldown: string): string {
  const { text } = restarts('CrmDown', `{ cooldown: ${cooldown}, limit: ['20/1h'] }`);
  return text.replace('name: CrmDown', 'name: crm');
}

const SENTENCE = 'This edit would have restarted crm-api 14 times instead of 3.';
const RANGE = ['--since', '2026-03-01T00:00:00Z', '--until', '2026-03-02T00:00:00Z'];

async function backtest(...args: readonly string[]) {
  const rules = ['--rules', folder.path('new'), '--against', folder.path('old')];
  return autoheal(world?.url ?? 'http://127.0.0.1:1', ['backtest', ...rules, ...args]);
}

async function fill(): Promise<void> {
  store = await folder.open();
  await store.commit(
    morning(14).map(({ at, source, body }, n) => ({
      kind: 'delivery_add',
      delivery: { id: `d-${n}`, received_at: at, source, trace_id: null, body },
    })),
  );
}

async function serve(): Promise<void> {
  await fill();
  world = await startWorld({
    store: {
      listDeliveries: (query) => store.listDeliveries(query),
      recorded: (query) => store.recorded(query),
    },
  });
}

function lines(): string {
  return morning(14)
    .map(({ at, body }) => {
      const received_at = new Date(at).toISOString();
      return `{"received_at":"${received_at}","body":${Buffer.from(body).toString()}}\n`;
    })
    .join('');
}

describe('a record', () => {
  test('is exported from a running service, and read again from the file', async () => {
    await serve();
    const args = ['deliveries', '--export', ...RANGE];
    const exported = await autoheal(world?.url ?? '', args);
    expect(exported).toMatchObject({ code: 0, stderr: '' });
    expect(exported.stdout.split('\n')).toHaveLength(14 * 3 + 1);
    await writeFile(folder.path('month.ndjson'), exported.stdout);
    const direct = await backtest(...RANGE);
    const filed = await backtest('--from', folder.path('month.ndjson'));
    expect(direct).toMatchObject({ code: 0, stderr: '' });
    expect(direct.stdout).toContain(SENTENCE);
    expect(withoutHead(filed.stdout)).toBe(withoutHead(direct.stdout));
  });

  test('comes from a database that no service has open, which is only read', async () => {
    await fill();
    const database = `sqlite:${folder.path()}`;
    const busy = await backtest('--database', database, ...RANGE);
    expect([busy.code, busy.stderr]).toEqual([1, expect.stringContaining('is in use')]);
    await store.close();
    const found = await backtest('--database', database, ...RANGE);
    expect(found).toMatchObject({ code: 0, stderr: '' });
    expect(found.stdout).toContain(SENTENCE);
    const again = await folder.open();
    expect((await again.inboxDepth()).pending).toBe(14 * 3);
  });

  test('comes from what Prometheus knows of ALERTS', async () => {
    const prometheus = await startPrometheus();
    const labels = {
      __name__: 'ALERTS',
      alertstate: 'firing',
      alertname: 'CrmDown',
      container: 'crm-api',
    };
    prometheus.setRange(
      'ALERTS{alertstate="firing", team="crm"}',
      ...Array.from({ length: 14 }, (_, n) => {
        const from = START / 1000 + n * 600;
        return { labels, from, to: from + 120 };
      }),
    );
    try {
      const args = ['--prometheus', prometheus.url, '--selector', 'team="crm"', ...RANGE];
      const found = await backtest(...args);
      expect(found).toMatchObject({ code: 0, stderr: '' });
      expect(found.stdout).toContain(SENTENCE);
      expect(prometheus.requests.length).toBeGreaterThan(5);
      prometheus.fail({ status: 503, body: '' });
      const away = await backtest(...args);
      expect([away.code, away.stderr]).toEqual([1, expect.stringContaining('HTTP 503')]);
    } finally {
      await prometheus.close();
    }
  });

  test('that is broken is an error with its line', async () => {
    await writeFile(folder.path('bad.ndjson'), `${lines()}{"received_at"`);
    const { code, stdout, stderr } = await backtest('--from', folder.path('bad.ndjson'));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('bad.ndjson:43: the line is no JSON');
  });
});

describe('the comparison', () => {
  beforeEach(() => writeFile(folder.path('month.ndjson'), lines()));
  const from = () => ['--from', folder.path('month.ndjson')];

  test('for programs, and as a check', async () => {
    const found = await backtest(...from(), '--json', '--fail-on', 'more-actions');
    expect(found.code).toBe(1);
    const report = JSON.parse(found.stdout);
    expect(report).toMatchObject({
      same: false,
      more_actions: true,
      from: '2026-03-01T00:00:00.000Z',
    });
    expect(report.sentences[0]).toBe(SENTENCE);
    expect(report.actions[0]).toMatchObject({
      target: 'docker/crm-api',
      starts: { candidate: 14, against: 3 },
    });
    expect(report.assumptions.length).toBeGreaterThan(2);
  });

  test('with itself is no difference, with none a summary', async () => {
    const same = await backtest(
      ...from(),
      '--against',
      folder.path('new'),
      '--fail-on',
      'more-actions',
    );
    expect(same.code).toBe(0);
    expect(same.stdout).toContain('No difference: both would have done the same.\n');
    const alone = await backtest(...from(), '--against', 'none');
    expect(alone.stdout).toMatch(/^docker\/crm-api +restart_container +14 /m);
    expect(alone.stdout).not.toContain('This edit');
  });

  test('goes by the world that is given', async () => {
    await writeFile(
      folder.path('world.yaml'),
      'targets: { docker/crm-api: { opted_in: false } }\n',
    );
    const found = await backtest(...from(), '--world', folder.path('world.yaml'));
    expect(found.stdout).toMatch(/^not_opted_in +0 +14$/m);
    await writeFile(folder.path('world.yaml'), 'target: {}\n');
    const wrong = await backtest(...from(), '--world', folder.path('world.yaml'));
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('world.yaml:1:1')]);
  });

  test.each([
    [['--from', 'nowhere.ndjson'], 2, 'nowhere.ndjson does not exist'],
    [['--from', '-', '--prometheus', 'http://127.0.0.1:1'], 2, 'a record comes from one place'],
    [['--since', 'yesterday'], 2, '--since: yesterday is no time'],
    [['--against', 'nowhere', '--from', '-'], 2, 'nowhere does not exist'],
    [['--step', 'fast'], 2, 'Write a duration'],
    [['--database', 'postgres://x'], 2, 'write sqlite:PATH'],
    [[], 1, 'Is autoheal running?'],
  ])('%s ends with %i', async (args, code, said) => {
    const found = await backtest(...args);
    expect([found.code, found.stderr]).toEqual([code, expect.stringContaining(said)]);
  });
});

/** Without the record's name. */
function withoutHead(text: string): string {
  return text.slice(text.indexOf('\n'));
}
