import { open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FlagValue } from '../action.ts';
import type { Clock, Log } from '../ports.ts';
import { messageOf } from './net-errors.ts';

/** A flag as applications get it now. */
export interface FlagNow {
  readonly key: string;
  readonly value: FlagValue;
  readonly default: FlagValue;
}
export interface FlagdFileOptions {
  /** The file; its folder must be there and writable. */
  readonly path: string;
  /** Every declared flag, or undefined while nobody knows them: the file then stays as it is. */
  readonly flags: () => Promise<readonly FlagNow[] | undefined>;
  readonly clock: Clock;
  readonly log: Pick<Log, 'info' | 'warn'>;
}
export interface FlagdFile {
  start(): void;
  /** No further write; resolves when the one under way has ended. The file stays. */
  stop(): Promise<void>;
}

/** A lease ends by the clock, without anybody writing: so the values are looked at, not waited for. */
const LOOK_EVERY_MS = 500;
const SCHEMA = 'https://flagd.dev/schema/v0/flags.json';

/**
 * Keeps the flags in a file as a flagd definition: at the start, and within a second of each change of
 * a value. A reader finds the old text or the new one, never a part. What fails is logged once, and
 * tried again at each look.
 */
export function createFlagdFile({ path, flags, clock, log }: FlagdFileOptions): FlagdFile {
  const nap = new AbortController();
  let written: string | undefined;
  let failing = false;
  let running: Promise<void> | undefined;

  async function look(): Promise<void> {
    const now = await flags();
    if (now === undefined) return;
    const text = flagdDefinition(now);
    if (text === written) return;
    await replaceFile(path, text);
    written = text;
    log.info({ file: path, flags: now.length }, 'flags written to the flagd file');
  }

  async function run(): Promise<void> {
    while (!nap.signal.aborted) {
      try {
        await look();
        failing = false;
      } catch (error) {
        if (!failing)
          log.warn({ file: path, error: messageOf(error) }, 'the flagd file could not be written');
        failing = true;
      }
      // An aborted nap is the end, which the loop reads from the signal.
      await clock.sleep(LOOK_EVERY_MS, nap.signal).catch(() => undefined);
    }
  }

  return {
    start() {
      running ??= run();
    },
    async stop() {
      nap.abort();
      await running;
    },
  };
}

/** The text of a flagd definition, in which each flag's default variant is its value now. */
export function flagdDefinition(flags: readonly FlagNow[]): string {
  const entries = flags.map((flag) => [flag.key, definitionOf(flag)] as const);
  const body = { $schema: SCHEMA, flags: Object.fromEntries(entries) };
  return `${JSON.stringify(body, null, 2)}\n`;
}

function definitionOf({ value, default: usual }: FlagNow): object {
  if (typeof value === 'boolean')
    return {
      state: 'ENABLED',
      variants: { on: true, off: false },
      defaultVariant: value ? 'on' : 'off',
    };
  const changed = value !== usual;
  return {
    state: 'ENABLED',
    variants: changed ? { default: usual, current: value } : { default: usual },
    defaultVariant: changed ? 'current' : 'default',
  };
}

/** Written beside it, synced, then renamed over it. */
async function replaceFile(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(beside, 'w', 0o644);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(resolve(path)));
}

/** So that the new name, too, outlives a power cut. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
