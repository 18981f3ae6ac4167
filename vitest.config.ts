import { defineConfig } from 'vitest/config';

/** Tests that need real parts and one machine's engine for all of them: one file at a time. */
const REAL = ['test/real/**/*.test.ts', 'test/e2e/**/*.test.ts'];
/** Rules in promtool: a program that computes, and shares nothing. */
const PROMETHEUS = ['test/prometheus/**/*.test.ts'];
/** Start the command line, process by process: patient work for one core. */
const COMMANDS = ['test/cli/**/*.test.ts'];
/** Play stories and changes to whole stores: the same. */
const REPLAYS = ['test/rehearsal/**/*.test.ts', 'test/conformance/**/*.test.ts'];
/** Kill and starve processes of their own. */
const CRASH = ['test/crash/**/*.test.ts'];
/** Long and patient. */
const MODEL = ['test/model/**/*.test.ts'];

/** scripts/test.ts runs unit and real beside crash, prometheus, commands, replays and model, so that both cores have work to the end. */
export default defineConfig({
  test: {
    // A part that will not stop must not hold the run: its process dies with ours anyway.
    teardownTimeout: 30_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...REAL, ...COMMANDS, ...REPLAYS, ...PROMETHEUS, ...CRASH, ...MODEL],
          maxWorkers: '100%',
          testTimeout: 15_000,
          hookTimeout: 15_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'real',
          include: REAL,
          globalSetup: ['test/real/setup.ts'],
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'crash',
          include: CRASH,
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'prometheus',
          include: PROMETHEUS,
          maxWorkers: 1,
          testTimeout: 120_000,
          sequence: { groupOrder: 4 },
        },
      },
      {
        test: {
          name: 'commands',
          include: COMMANDS,
          maxWorkers: 1,
          testTimeout: 30_000,
          hookTimeout: 15_000,
          sequence: { groupOrder: 5 },
        },
      },
      {
        test: {
          name: 'replays',
          include: REPLAYS,
          maxWorkers: 1,
          testTimeout: 15_000,
          hookTimeout: 15_000,
          sequence: { groupOrder: 6 },
        },
      },
      {
        test: {
          name: 'model',
          include: MODEL,
          maxWorkers: '100%',
          sequence: { groupOrder: 7 },
        },
      },
    ],
  },
});
