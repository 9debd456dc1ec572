import { defineConfig } from 'vitest/config';

const shared = {
  restoreMocks: true,
  unstubEnvs: true,
  unstubGlobals: true,
  // A state that comes late on a loaded machine is no failure: what never comes is.
  expect: { poll: { timeout: 30_000 } },
};

/** What needs the host ports 8081 to 8083, a real CLI or minutes runs after the rest, one file at a time. */
const serial = { ...shared, fileParallelism: false, maxWorkers: 1 };

export default defineConfig({
  test: {
    // Suites start the bundles in dist/ as processes and worker threads.
    globalSetup: './scripts/build.mjs',
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{cli,docker,e2e,fault,fixtures,vscode}/**'],
          // Real git and real processes on a loaded machine of two cores.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...serial,
          name: 'cli',
          include: ['test/cli/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...serial,
          name: 'docker',
          include: ['test/docker/**/*.test.ts'],
          testTimeout: 180_000,
          // A first run makes the image.
          hookTimeout: 600_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...serial,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          ...serial,
          name: 'fault',
          include: ['test/fault/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 4 },
        },
      },
      {
        test: {
          ...serial,
          name: 'vscode',
          include: ['test/vscode/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
});
