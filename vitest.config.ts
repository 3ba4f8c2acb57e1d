import { defineConfig } from 'vitest/config';

/**
 * What is printed is compared as plain text: a terminal, `CI` or `FORCE_COLOR` around the tests colours nothing
 * in them, nor in the commands that they start.
 */
const plain = { NO_COLOR: '1' };

/** Of those that speak to real servers. */
const againstServers = {
  globalSetup: ['test/support/global-setup.ts'],
  // Only against one that never ends; on a busy machine some take minutes.
  testTimeout: 300_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 120_000 } },
  env: plain,
  isolate: false,
  fileParallelism: true,
  // One more than there are cores on the smallest machine: most of them wait, most of the time.
  maxWorkers: 3,
  // Bundles are run as they are.
  server: { deps: { external: [/\/\.cache\/compiled\//] } },
};

/**
 * `unit` needs nothing but Node; the others speak to the real PostgreSQL, Redis and Docker Engine that
 * test/support/global-setup.ts starts once for the whole run and stops at its end. Files share a process, one after the other
 * (`isolate`): to load everything anew for each took half of the time.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,web/src}/**/*.test.ts'],
          exclude: ['src/**/*.integration.test.ts'],
          // Only against one that never ends: how fast it is, is measured in bench/.
          testTimeout: 60_000,
          env: plain,
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          ...againstServers,
          include: [
            'test/{integration,conformance,faults}/**/*.test.ts',
            'test/browser/full-path.test.ts',
            'src/**/*.integration.test.ts',
          ],
          sequence: { groupOrder: 1 },
        },
      },
      {
        // After the others: Chromium gives up what it is loading whenever an interface of the machine comes or goes, as with every container.
        test: {
          name: 'browser',
          ...againstServers,
          include: ['test/browser/*.test.ts'],
          exclude: ['test/browser/full-path.test.ts'],
          sequence: { groupOrder: 2 },
        },
      },
      {
        // By itself, at the end: it keeps the disk and both cores busy, and engines beside it would come too late.
        test: {
          name: 'image',
          include: ['test/image/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 900_000,
          hookTimeout: 120_000,
          env: plain,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
