import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Panel } from '../../scripts/dashboards/board.ts';
import { BOARDS, dashboardFiles } from '../../scripts/dashboards/files.ts';
import { commandsOf, nameOf } from '../../scripts/docs/cli.ts';
import { haveParts, partProgram } from '../real/parts.ts';
import { createProgram } from '../../src/cli/program.ts';

const ROOT = join(import.meta.dirname, '../..');
const FILES = dashboardFiles();
const COLUMNS = 24;

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

describe('the files', () => {
  test.each([...FILES.keys()])(
    '%s is what scripts/dashboards/ says (else: npm run dashboards)',
    (path) => {
      expect(textOf(path)).toBe(FILES.get(path));
    },
  );

  test('are all there are', () => {
    const there = readdirSync(join(ROOT, 'grafana/dashboards')).map(
      (name) => `grafana/dashboards/${name}`,
    );
    expect(there.toSorted()).toEqual(
      [...FILES.keys()].filter((path) => path.endsWith('.json')).toSorted(),
    );
  });

  test('keep their addresses: people have bookmarked them', () => {
    expect(BOARDS.map(({ uid }) => uid)).toEqual([
      'autoheal-slo',
      'autoheal-remediations',
      'autoheal-store',
      'autoheal-drills',
    ]);
  });
});

describe.each(BOARDS)('$title', ({ uid, rows }) => {
  const panels: readonly Panel[] = rows.flatMap((row) => row.panels);

  test('names each panel once, and says what it answers and what to do', () => {
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { title, answers, act } of panels) {
      expect(answers, title).toMatch(/\.$/);
      expect(act, title).toMatch(/\.$/);
    }
  });

  test('sends people to pages and commands that are there', () => {
    const commands = commandsOf(createProgram('0.0.0')).map((command) => nameOf(command));
    for (const { title, answers, act } of panels) {
      const said = `${answers} ${act}`;
      for (const [page] of said.matchAll(/docs\/[\w/-]+\.md/g))
        expect(existsSync(join(ROOT, page)), `${title}: ${page}`).toBe(true);
      for (const [, command] of said.matchAll(/`autoheal ([a-z]+)/g))
        expect(commands, title).toContain(command);
    }
  });

  test('names alerts that are there', () => {
    const rules = readdirSync(join(ROOT, 'prometheus/rules')).map((name) =>
      textOf(`prometheus/rules/${name}`),
    );
    for (const { title, act } of panels)
      for (const [alert] of act.matchAll(/\b(Autoheal|Synthetic)[A-Z]\w+/g))
        expect(
          rules.some((text) => text.includes(`alert: ${alert}\n`)),
          `${title}: ${alert}`,
        ).toBe(true);
  });

  test('has no two panels on one place, and none outside', () => {
    const { panels: made } = JSON.parse(textOf(`grafana/dashboards/${uid}.json`)) as {
      readonly panels: readonly {
        readonly gridPos: { x: number; y: number; w: number; h: number };
      }[];
    };
    const cells = made.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).toBeLessThanOrEqual(COLUMNS);
      return Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
  });

  test('asks for nothing but the variables it has, and its data source by variable', () => {
    const text = textOf(`grafana/dashboards/${uid}.json`);
    const known = new Set(['datasource', 'job', '__range', '__rate_interval']);
    const names = [...text.matchAll(/\$\{?(\w+)\}?/g)].map(([, name = '']) => name);
    expect(names.filter((name) => !known.has(name))).toEqual([]);
    const sources = [...text.matchAll(/"type": "prometheus",\s+"uid": "([^"]+)"/g)].map(
      ([, id]) => id,
    );
    expect(new Set(sources)).toEqual(new Set(['${datasource}']));
  });
});

describe('docker-compose.yml', () => {
  interface Service {
    readonly profiles?: readonly string[];
    readonly ports?: readonly string[];
    readonly read_only?: boolean;
    readonly cap_drop?: readonly string[];
    readonly volumes?: readonly string[];
  }
  const { services } = parse(textOf('docker-compose.yml'), { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>;
  };

  test('has Grafana, the collector and Jaeger by profile, so that the rest comes up without them', () => {
    const by_profile = Object.entries(services).filter(
      ([, { profiles }]) => profiles !== undefined,
    );
    expect(by_profile.map(([name, { profiles = [] }]) => [name, ...profiles])).toEqual([
      ['grafana', 'dashboards'],
      ['otel-collector', 'tracing'],
      ['jaeger', 'tracing'],
    ]);
  });

  test.each(Object.entries(services))(
    '%s is hardened, and open to this machine only',
    (_name, service) => {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    },
  );

  test.skipIf(!haveParts('compose'))('is read by Compose, with the profiles and without', () => {
    for (const profiles of [[], ['--profile', 'dashboards', '--profile', 'tracing']]) {
      const args = ['--project-directory', ROOT, ...profiles, 'config', '-q'];
      const ran = spawnSync(partProgram('compose'), args, { cwd: ROOT, encoding: 'utf8' });
      expect(ran.status, ran.stderr).toBe(0);
    }
  });

  test('mounts what is there', () => {
    const mounts = Object.values(services).flatMap(({ volumes = [] }) => volumes);
    const paths = mounts.flatMap((mount) => /^\.\/([^:]+):/.exec(mount)?.[1] ?? []);
    expect(paths).toContain('grafana/provisioning');
    for (const path of paths) expect(existsSync(join(ROOT, path)), path).toBe(true);
  });
});

describe('the collector', () => {
  test('runs each part that is declared, the limit of memory first', () => {
    const config = parse(textOf('deploy/otel-collector.yaml')) as Record<
      string,
      Record<string, unknown>
    > & {
      readonly service: {
        readonly pipelines: { readonly traces: Record<string, readonly string[]> };
      };
    };
    const { traces } = config.service.pipelines;
    for (const part of ['receivers', 'processors', 'exporters'])
      expect(traces[part]).toEqual(Object.keys(config[part] ?? {}));
    expect(traces['processors']?.[0]).toBe('memory_limiter');
    expect(traces['exporters']).toEqual(['otlp/jaeger', 'debug']);
  });
});
