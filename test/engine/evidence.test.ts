import { expect, test } from 'vitest';
import { useRig } from './rig.ts';

const start = useRig();
const POKE = `name: poke
summary: Pokes it.
matchers: ['alertname="A"']
steps: [{ action: poke, with: { thing: a } }]
`;

test.each([
  [{ rc: 0 }, 0],
  [{ rc: 3 }, 3],
  [{ rc: null }, null],
  [{ rc: '0' }, null],
  [{ rc: 0.5 }, null],
  [{}, null],
])('evidence %j: the exit code in the audit log is %j', async (evidence, rc) => {
  const rig = await start({ rules: { poke: POKE } });
  rig.world.evidence = evidence;
  await rig.post({ labels: { alertname: 'A' } });
  expect(await rig.audit({ kind: ['action_ok'] })).toMatchObject([{ rc, result: 'ok' }]);
});

test('a plan that waits is told with the call that allows it', async () => {
  const policy =
    "notifiers: { chat: { url: 'http://127.0.0.1:1/' } }\napprovals: { notify: chat }\n";
  const rig = await start({ rules: { poke: `${POKE}mode: approve\n` }, policy });
  await rig.post({ labels: { alertname: 'A' } });
  const [approval] = await rig.machine.approvals.open();
  const [told] = rig.sent;
  const said = /^to allow it, until \S+: POST (\S+) (.+)$/m.exec(told?.message.text ?? '');
  expect(said?.[1]).toBe(`/api/v1/remediations/${approval?.remediation_id}/approve`);
  expect(JSON.parse(said?.[2] ?? '')).toEqual({ plan_hash: approval?.plan_hash, reason: '...' });
  expect(told?.message.text).toContain(
    `npx autoheal approve ${approval?.remediation_id} --plan ${approval?.plan_hash} --reason '...'`,
  );
});
