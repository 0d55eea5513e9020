/**
 * Guarantee: of several NameNodes the active one is found, whichever place it has in the list, and found again when the
 * roles change or it dies amid the work: every event is in the lake once.
 */
import { afterAll, beforeAll, describe, inject, it } from 'vitest'
import { freePort, Workplace } from '../test/cli/music-faker.ts'
import { eventually } from '../test/contract/log-reading.ts'
import { LONG } from './form.ts'
import { OwnHdfs } from './own-hdfs.ts'
import { PATIENCE_MS, TroubledFlow } from './troubled-flow.ts'

const TIMEOUT_MS = 600_000

const services = inject('services')
/** Starting a pair takes most of a minute on a machine that has other things to do. */
const skipped = !LONG ? 'in npm run test:faults' : 'skipped' in services ? services.skipped : undefined

describe.skipIf(skipped)(
  `a pair of NameNodes${skipped ? ` (skipped: ${skipped})` : ''}`,
  { timeout: TIMEOUT_MS },
  () => {
    let hdfs: OwnHdfs
    let place: Workplace
    let flow: TroubledFlow

    beforeAll(async () => {
      if ('skipped' in services) return
      hdfs = await OwnHdfs.start({ pair: true })
      place = await Workplace.create()
      // Nobody listens at the first, and the second is standby.
      const namenodes = [`http://127.0.0.1:${await freePort()}`, hdfs.address('nn2'), hdfs.address('nn1')]
      flow = await TroubledFlow.start(place, {
        MF_PROFILE: 'cluster',
        MF_KAFKA_BROKERS: services.kafka.brokers.join(','),
        MF_HDFS_NAMENODES: namenodes.join(','),
      })
    }, TIMEOUT_MS)
    afterAll(async () => {
      await flow?.[Symbol.asyncDispose]()
      await place?.remove()
      await hdfs?.[Symbol.asyncDispose]()
    })

    it('archives with a dead one and the standby first in the list', () => flow.archivedUpToNow())

    it('follows when an operator changes the roles, amid a write', async () => {
      const mark = flow.mark()
      await flow.midWrite()
      await hdfs.standBy('nn1')
      await flow.says(/waiting: /, mark)
      await flow.healthOfLake(/^failed .*not supported in state standby/)
      await flow.nothingMoves()
      await hdfs.activate('nn2')
      await flow.archivedUpToNow()
    })

    it('follows when the active one is killed amid a write, and the standby becomes active', async () => {
      const mark = flow.mark()
      await flow.midWrite()
      await hdfs.kill('nn2')
      await flow.says(/waiting: /, mark)
      await flow.healthOfLake(/^failed/)
      await flow.nothingMoves()
      await hdfs.activate('nn1')
      await flow.archivedUpToNow()
    })

    it.each([
      { frozen: 'nn1', other: 'nn2' },
      { frozen: 'nn2', other: 'nn1' },
    ] as const)('follows when $frozen is frozen amid a write, and $other becomes active', async ({ frozen, other }) => {
      await hdfs.kill(other)
      hdfs.begin(other)
      const mark = flow.mark()
      await flow.midWrite()
      hdfs.signal(frozen, 'SIGSTOP')
      await flow.says(/waiting: /, mark)
      await flow.healthOfLake(/^failed/)
      await flow.nothingMoves()
      await eventually(() => hdfs.activate(other), PATIENCE_MS)
      await flow.archivedUpToNow()
      // It still takes itself for the active one.
      hdfs.signal(frozen, 'SIGCONT')
      await flow.archivedUpToNow()
      await flow.healthOfLake(/^ok/)
    })

    it('has every event in the lake once', () => flow.finish())
  },
)
