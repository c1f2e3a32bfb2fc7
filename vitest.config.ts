import { defineConfig } from 'vitest/config'
import { SummaryReporter } from './test/summary-reporter.ts'

export default defineConfig({
  test: {
    pool: 'forks', // the numeric backends are global to a process
    maxWorkers: 2,
    env: { TF_CPP_MIN_LOG_LEVEL: '2', TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '2' },
    testTimeout: 180_000, // a guard against waiting for ever; the machine may be busy
    hookTimeout: 120_000,
    reporters: ['default', new SummaryReporter()],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/no-process-left.ts'],
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      { extends: true, test: { name: 'integration', include: ['test/integration/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 240_000,
        },
      },
      // `npm run test:chaos`; it takes minutes, and one file has the machine for itself
      ...(process.env.CHAOS
        ? [
            {
              extends: true as const,
              test: {
                name: 'chaos',
                include: ['test/chaos/**/*.test.ts'],
                fileParallelism: false,
                testTimeout: 180_000,
              },
            },
          ]
        : []),
    ],
  },
})
