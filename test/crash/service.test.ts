import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Autoheal, startAutoheal } from '../real/autoheal.ts';
import { until } from '../real/until.ts';

/** Flags stand in for targets: the embedded backend lets a crash hit every step without a Docker engine. */
const FLAGS = 40;
const KILLS = 6;
const SOON = { timeout_ms: 30_000 };
const RULE = `
name: flip
summary: Flips the flag that the alert names.
matchers: ['alertname="Flip"', 'flag=~".+"']
steps:
  - action: set_flag
    with: { flag: '{{ labels.flag }}', value: true }
    lease: 30m
    verify: { within: 5m, resolved: true }
guard: { cooldown: 0s, limit: ['1000/1h'] }
`;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

interface Item {
  readonly id: string;
  readonly state: string;
  readonly kind: string;
  readonly target: string;
  readonly detail: { readonly to?: boolean };
}

function flagNames(): readonly string[] {
  return Array.from({ length: FLAGS }, (_, n) => `f${n}`);
}

async function start(): Promise<Autoheal> {
  const rules = mkdtempSync(join(tmpdir(), 'autoheal-crash-'));
  undo.push(() => rmSync(rules, { recursive: true, force: true }));
  writeFileSync(join(rules, 'flip.yaml'), RULE);
  const flags = flagNames().map(
    (name) => `  ${name}: { default: false, summary: A flag of the crash test. }`,
  );
  const autoheal = await startAutoheal({ rules, policy: `flags:\n${flags.join('\n')}\n` });
  undo.push(() => autoheal.dispose());
  return autoheal;
}

/** Posts one alert; the id of the stored delivery, or undefined when the answer did not come. */
async function post(autoheal: Autoheal, flag: string, status: string): Promise<string | undefined> {
  const now = new Date().toISOString();
  const alert = {
    status,
    labels: { alertname: 'Flip', flag },
    startsAt: now,
    endsAt: status === 'resolved' ? now : '0001-01-01T00:00:00Z',
  };
  try {
    const answer = await autoheal.api('/webhook', {
      body: { version: '4', status, alerts: [alert] },
    });
    return answer.status === 202 ? (answer.body as { delivery: string }).delivery : undefined;
  } catch {
    return undefined;
  }
}

/** Posts for every flag, kills the process in the middle, starts it again; what was stored is returned. */
async function stormAndKill(
  autoheal: Autoheal,
  status: string,
  kill_after: number,
): Promise<readonly string[]> {
  const stored: string[] = [];
  const posts = flagNames().map(async (flag) => {
    const id = await post(autoheal, flag, status);
    if (id !== undefined) stored.push(id);
    if (stored.length >= kill_after) await autoheal.kill9();
  });
  await Promise.all(posts);
  await autoheal.kill9();
  await autoheal.restart();
  return stored;
}

async function items(autoheal: Autoheal, path: string): Promise<readonly Item[]> {
  const all: Item[] = [];
  let cursor = '';
  do {
    const join_with = path.includes('?') ? '&' : '?';
    const answer = await autoheal.api(`${path}${join_with}limit=1000${cursor}`);
    expect(answer.status).toBe(200);
    const page = answer.body as { items: Item[]; next_cursor: string | null };
    all.push(...page.items);
    cursor = page.next_cursor === null ? '' : `&cursor=${encodeURIComponent(page.next_cursor)}`;
  } while (cursor !== '');
  return all;
}

async function flagsOn(autoheal: Autoheal): Promise<number> {
  const answer = await autoheal.api('/api/v1/flags');
  return (answer.body as { items: { value: unknown }[] }).items.filter(
    (flag) => flag.value === true,
  ).length;
}

test('killed at random instants: nothing accepted is lost, nothing is done twice, everything is undone', async () => {
  const autoheal = await start();
  const stored: string[] = [];
  for (let kill = 0; kill < KILLS; kill += 1)
    stored.push(...(await stormAndKill(autoheal, 'firing', Math.floor((kill * FLAGS) / KILLS))));
  for (const flag of flagNames()) expect(await post(autoheal, flag, 'firing')).toBeTypeOf('string');
  await until('every flag is on', async () => (await flagsOn(autoheal)) === FLAGS, SOON);

  stored.push(...(await stormAndKill(autoheal, 'resolved', FLAGS / 2)));
  for (const flag of flagNames())
    expect(await post(autoheal, flag, 'resolved')).toBeTypeOf('string');
  await until('every flag is off again', async () => (await flagsOn(autoheal)) === 0, SOON);
  await until(
    'no remediation is left under way',
    async () =>
      (await items(autoheal, '/api/v1/remediations')).every((row) => row.state === 'done'),
    SOON,
  );

  const deliveries = new Map(
    (await items(autoheal, '/api/v1/deliveries')).map((row) => [row.id, row.state]),
  );
  expect(stored.filter((id) => deliveries.get(id) !== 'drained')).toEqual([]);
  const changes = await items(autoheal, '/api/v1/audit?kind=flag_changed');
  for (const flag of flagNames()) {
    const of_flag = changes
      .filter((entry) => entry.target === `flag/${flag}`)
      .map((entry) => entry.detail.to);
    // Newest first: on once, off once, whatever was killed in between.
    expect([flag, of_flag]).toEqual([flag, [false, true]]);
  }
  expect((await autoheal.api('/api/v1/audit/verify')).body).toMatchObject({ ok: true });
});
