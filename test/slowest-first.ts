import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The files that take longest, in the order in which they begin. One begun last would run on alone for up to a minute. Those
 * that wait much stand beside those that compute or start Java.
 */
const SLOWEST = [
  'test/dashboard/failures.test.ts',
  'test/dashboard/stream.test.ts',
  'test/e2e/documents.test.ts',
  'regression/kafka-stops.test.ts',
  'regression/topic-changes.test.ts',
  'test/e2e/commands-cluster.test.ts',
  'regression/zombie-archiver.test.ts',
  'regression/disk-full.test.ts',
  'test/cluster/lifecycle.services.test.ts',
  'test/log/kafka-restart.test.ts',
  'regression/kill-anything.test.ts',
  'test/e2e/commands-embedded.test.ts',
  'test/e2e/wrong-use.test.ts',
  'regression/rebalances.test.ts',
  'test/browser/load.test.ts',
  'regression/random-failures.test.ts',
  'regression/kill-at-every-step.test.ts',
]

/** Begins with the slowest files; without this it is the largest, and a short file may take long. */
export default class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config
    const place = ({ moduleId }: TestSpecification) => {
      const index = SLOWEST.indexOf(relative(root, moduleId))
      return index < 0 ? SLOWEST.length : index
    }
    return (await super.sort(files)).sort((a, b) => place(a) - place(b))
  }
}
