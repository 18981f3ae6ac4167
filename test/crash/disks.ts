import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A small disk of the test's own. */
export interface Disk {
  readonly folder: string;
  /** Takes all space that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  /** An error of the disk makes it read-only at once, also for files that are open (ext4 only). */
  fail(): void;
  /** Taken out, checked, put in again. Nobody may have a file open. */
  repair(): void;
  remove(): void;
}

const CHUNK_BYTES = 64 * 1024;

/** Why this machine cannot have such disks; undefined when it can. */
export function noDisks(): string | undefined {
  if (process.platform !== 'linux') return 'mounts are made as Linux makes them';
  if (process.getuid?.() !== 0) return 'a file system can be mounted by root only';
  const folder = mkdtempSync(join(tmpdir(), 'autoheal-mount-'));
  const tried = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  if (tried.status === 0) run('umount', folder);
  rmSync(folder, { recursive: true });
  return tried.status === 0 ? undefined : 'this container may not mount a file system';
}

/** Why there is no disk that can fail; undefined when there is. */
export function noFailingDisks(): string | undefined {
  const none = noDisks();
  if (none !== undefined) return none;
  if (spawnSync('mkfs.ext4', ['-V']).status !== 0) return 'mkfs.ext4 (e2fsprogs) is not installed';
  return spawnSync('losetup', ['-f']).status === 0 ? undefined : 'there is no loop device';
}

/** In memory; it can be full, not fail. */
export function memoryDisk(mib: number): Disk {
  const folder = mkdtempSync(join(tmpdir(), 'autoheal-disk-'));
  run('mount', '-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', folder);
  return {
    ...filler(folder),
    folder,
    fail: () => refuse('a disk in memory does not fail'),
    repair: () => refuse('a disk in memory does not fail'),
    remove: () => unmount(folder, folder),
  };
}

/** ext4 on a loop device. */
export function failingDisk(mib: number): Disk {
  const base = mkdtempSync(join(tmpdir(), 'autoheal-disk-'));
  const image = join(base, 'image');
  const folder = join(base, 'mounted');
  mkdirSync(folder);
  closeSync(openSync(image, 'w'));
  truncateSync(image, mib * 1024 * 1024);
  run('mkfs.ext4', '-q', '-F', image);
  run('mount', '-o', 'loop', image, folder);
  return {
    ...filler(folder),
    folder,
    fail: () => run('mount', '-o', 'remount,abort', folder),
    repair() {
      run('umount', folder);
      // 1: errors were found and mended.
      const checked = spawnSync('e2fsck', ['-p', '-f', image], { encoding: 'utf8' });
      if ((checked.status ?? 8) > 1) refuse(checked.stdout + checked.stderr);
      run('mount', '-o', 'loop', image, folder);
    },
    remove: () => unmount(folder, base),
  };
}

/** The folder once more, for reading only. */
export function readOnly(folder: string): { readonly folder: string; readonly remove: () => void } {
  const view = mkdtempSync(join(tmpdir(), 'autoheal-view-'));
  run('mount', '--bind', folder, view);
  run('mount', '-o', 'remount,ro,bind', view);
  return { folder: view, remove: () => unmount(view, view) };
}

function filler(folder: string): Pick<Disk, 'fill' | 'free'> {
  const path = join(folder, 'filler');
  return {
    fill() {
      const file = openSync(path, 'a');
      for (let size = CHUNK_BYTES; size >= 1; ) {
        try {
          if (writeSync(file, Buffer.alloc(size)) < size) size = Math.floor(size / 2);
        } catch {
          size = Math.floor(size / 2);
        }
      }
      closeSync(file);
    },
    free: () => rmSync(path, { force: true }),
  };
}

function unmount(folder: string, base: string): void {
  run('umount', folder);
  rmSync(base, { recursive: true, force: true });
}

function run(program: string, ...args: readonly string[]): void {
  const ran = spawnSync(program, args, { encoding: 'utf8' });
  if (ran.status !== 0) refuse(`${program} ${args.join(' ')}: ${ran.stderr}`);
}

function refuse(why: string): never {
  throw new Error(why);
}

/** All but the first page, which says whose file it is. */
export function damage(file: string): void {
  const to = openSync(file, 'r+');
  const { size } = statSync(file);
  if (size <= 4_000_000) throw new Error(`${file} is too small to be damaged everywhere`);
  writeSync(to, Buffer.alloc(size - 4_096, 0xa5), 0, size - 4_096, 4_096);
  closeSync(to);
}
