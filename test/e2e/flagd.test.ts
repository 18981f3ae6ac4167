import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startAutoheal } from '../real/autoheal.ts';
import { until } from '../real/until.ts';

const ROOT = join(import.meta.dirname, '../..');
const SOON = { timeout_ms: 15_000 };

interface Definition {
  readonly flags: Readonly<Record<string, { readonly defaultVariant: string }>>;
}

test('the flagd file follows a rule, its lease that ends by time, and an operator; it outlives the service', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'autoheal-flagd-'));
  const file = join(folder, 'flags.json');
  const shipped = readFileSync(join(ROOT, 'rules/ai-errors.yaml'), 'utf8');
  writeFileSync(join(folder, 'ai-errors.yaml'), shipped.replace('lease: 30m', 'lease: 3s'));
  const variant = (key = 'heuristics-only') => {
    const { flags } = JSON.parse(readFileSync(file, 'utf8')) as Definition;
    return flags[key]?.defaultVariant;
  };
  const autoheal = await startAutoheal({
    rules: folder,
    policy: 'flags: { batch: { default: 500 } }',
    env: { AUTOHEAL_FLAGD_FILE: file },
  });
  try {
    await until('the file is there', () => variant() === 'off', SOON);
    const body = JSON.parse(readFileSync(join(ROOT, 'examples/ai-errors.json'), 'utf8')) as {
      alerts: object[];
    };
    const startsAt = new Date().toISOString();
    const alerts = body.alerts.map((alert) => ({ ...alert, startsAt }));
    await autoheal.api('/webhook', { body: { ...body, alerts } });
    await until('the rule has set the flag', () => variant() === 'on', SOON);
    await until('the lease has ended', () => variant() === 'off', SOON);
    const by_hand = { method: 'PUT', body: { value: 50, reason: 'small batches' } };
    expect((await autoheal.api('/api/v1/flags/batch', by_hand)).status).toBe(200);
    await until('what the operator set', () => variant('batch') === 'current', SOON);
    await autoheal.stop();
    expect(variant('batch')).toBe('current');
  } finally {
    await autoheal.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
});
