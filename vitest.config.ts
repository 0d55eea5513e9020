import { defineConfig } from 'vitest/config'
import SlowestFirst from './test/slowest-first.ts'

/** Tests that need real Kafka and HDFS: `test/services.ts` starts both once for all of them. */
const services = [
  'test/contract/{log-kafka,storage-webhdfs}.test.ts',
  'test/log/*kafka*.test.ts',
  'test/lake/*hdfs*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/browser/**/*.test.ts',
  'test/**/*.services.test.ts',
  'regression/**/*.test.ts',
]

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // One more than a small machine has cores: tests wait for timers, sessions and starts, and two leave cores idle.
    maxWorkers: 3,
    sequence: { sequencer: SlowestFirst },
    reporters: ['default', './test/closing-line.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: services, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'services',
          include: services,
          globalSetup: 'test/services.ts',
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
