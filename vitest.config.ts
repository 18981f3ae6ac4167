import { defineConfig } from 'vitest/config';

/** Folders whose tests need real parts and the machine to themselves. */
const REAL = [
  'test/real/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/crash/**/*.test.ts',
  'test/prometheus/**/*.test.ts',
];

/** Long and patient: one core, beside those that need the real parts. See scripts/test.ts. */
const MODEL = ['test/model/**/*.test.ts'];

export default defineConfig({
  test: {
    // A part that will not stop must not hold the run: its process dies with ours anyway.
    teardownTimeout: 30_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...REAL, ...MODEL],
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
          // One file at a time: they share one Docker engine and two cores.
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'model',
          include: MODEL,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
