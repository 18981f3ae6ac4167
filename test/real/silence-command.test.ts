import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAlertmanagers } from '../../src/adapters/alertmanager.ts';
import { createAuthors } from '../../src/engine/silence-authors.ts';
import { autoheal } from '../cli/command.ts';
import { type Alertmanager, startAlertmanager } from './alertmanager.ts';
import { haveParts } from './parts.ts';
import { until } from './until.ts';

const WAIT = { timeout_ms: 15_000 };
const signal = AbortSignal.timeout(100_000);

describe.skipIf(!haveParts('alertmanager'))(
  'silences from the terminal, on a real Alertmanager',
  () => {
    let alertmanager: Alertmanager;
    beforeAll(async () => {
      alertmanager = await startAlertmanager({
        config: 'route: { receiver: none }\nreceivers: [{ name: none }]\n',
      });
    });
    afterAll(() => alertmanager?.stop());

    async function run(...args: readonly string[]): Promise<string> {
      const given = [...args, '--alertmanager', alertmanager.url];
      const { code, stdout, stderr } = await autoheal('', given, { USER: 'ada' });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return stdout;
    }
    async function stateOf(instance: string): Promise<string | undefined> {
      const alerts = await alertmanager.alerts();
      return alerts.find(({ labels }) => labels['instance'] === instance)?.status.state;
    }

    test("stands for what it names, counts as a person's, and its end says why", async () => {
      await alertmanager.post(
        { labels: { alertname: 'NodeDown', instance: 'web "1"' } },
        { labels: { alertname: 'NodeDown', instance: 'web2' } },
      );
      const matchers = ['alertname="NodeDown"', String.raw`instance=~"web \"1\"|none"`];
      const added = await run(
        'silence',
        'add',
        ...matchers,
        '--for',
        '1h',
        '--reason',
        'disk',
        '--json',
      );
      const { id } = JSON.parse(added) as { readonly id: string };
      await until('suppressed', async () => (await stateOf('web "1"')) === 'suppressed', WAIT);
      expect(await stateOf('web2')).not.toBe('suppressed');

      // The guard `silenced` asks who made it: not autoheal.
      const [peer] = createAlertmanagers({ urls: [alertmanager.url], timeout_ms: 5_000 });
      if (peer === undefined) throw new Error('no peer');
      const shown = (await peer.alerts([], signal)).filter((alert) =>
        alert.silenced_by.includes(id),
      );
      expect(shown).toHaveLength(1);
      expect(await createAuthors().ours(peer, shown, signal)).toEqual(new Set());

      expect(await run('silences')).toContain(String.raw`instance=~"web \"1\"|none"`);
      expect(await run('silence', 'end', id, '--reason', 'done')).toContain(
        'disk (ended by ada: done)',
      );
      await until('fires again', async () => (await stateOf('web "1"')) !== 'suppressed', WAIT);
      expect(await run('silences')).toBe('Nothing is silenced.\n');
      const kept = (await (await fetch(`${alertmanager.url}/api/v2/silences`)).json()) as object[];
      expect(kept).toContainEqual(
        expect.objectContaining({ createdBy: 'ada', comment: 'disk (ended by ada: done)' }),
      );
    });
  },
);
