import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

/** The project's root. */
export const ROOT = join(import.meta.dirname, '../..');

const NOT_OURS = new Set([
  'node_modules',
  '.git',
  'dist',
  'data',
  'coverage',
  '.cache',
  'test-results',
]);

/** Every file of the project below `folder`, relative to the root, `/` between names. */
export function filesOf(folder = '.'): readonly string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile()) found.push(path);
    if (entry.isDirectory() && !NOT_OURS.has(entry.name)) found.push(...filesOf(path));
  }
  return found.toSorted();
}

export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** A small project in a temporary folder, with this project's settings, command and libraries. */
export interface Sandbox {
  readonly folder: string;
  write(path: string, text: string): void;
  remove(): void;
}

const SETTINGS = ['.oxlintrc.json', 'tsconfig.json', 'tsconfig.build.json', 'package.json', 'bin'];

export function makeSandbox(): Sandbox {
  const folder = mkdtempSync(join(tmpdir(), 'autoheal-house-'));
  for (const name of SETTINGS) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return {
    folder,
    write(path, text) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Files that `path` imports by a relative name, relative to the root. */
export function importsOf(path: string): readonly string[] {
  const names = [...textOf(path).matchAll(/(?:from|import|import\()\s*'(\.{1,2}\/[^']+)'/g)];
  return names.map((name) => relative(ROOT, join(ROOT, dirname(path), name[1] ?? '')));
}
