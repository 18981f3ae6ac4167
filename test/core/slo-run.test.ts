import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const FILE = 'prometheus/slos.yaml';
const SERVICES = 'prometheus/slos/services.yaml';
const TEXT = readFileSync(join(ROOT, FILE), 'utf8');

const TABLE = 'src/core/slo-table.ts';

describe('npm run slo', () => {
  let folder = '';
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  function runIn(text: string) {
    folder = mkdtempSync(join(tmpdir(), 'autoheal-slo-'));
    for (const made of ['prometheus/slos', 'src/core'])
      mkdirSync(join(folder, made), { recursive: true });
    cpSync(join(ROOT, SERVICES), join(folder, SERVICES));
    writeFileSync(join(folder, FILE), text);
    const script = join(ROOT, 'scripts/slo.ts');
    return spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
  }

  test('writes the rules and the table', () => {
    expect(runIn(TEXT)).toMatchObject({ status: 0, stderr: '' });
    const made = readFileSync(join(folder, 'prometheus/rules/autoheal-slo.yml'), 'utf8');
    expect(made).toBe(readFileSync(join(ROOT, 'prometheus/rules/autoheal-slo.yml'), 'utf8'));
    expect(readFileSync(join(folder, TABLE), 'utf8')).toBe(readFileSync(join(ROOT, TABLE), 'utf8'));
  });

  test('shows a mistake with its line and caret, and writes nothing', () => {
    const ran = runIn(TEXT.replace('threshold: 14.4', 'threshold: two'));
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/^prometheus\/slos\.yaml:\d+:\d+: error: .*burn factor/);
    expect(ran.stderr).toContain('^^^');
    expect(ran.stdout).toBe('');
  });
});
