/**
 * Guarantee: while HDFS cannot be written to, for whatever reason, partitions pause and say so, no offset moves, and
 * they go on by themselves once it can: every event is in the lake once. An archiver that is told to stop meanwhile ends.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { Workplace } from '../test/cli/music-faker.ts'
import { LONG } from './form.ts'
import { isOpen, OwnHdfs } from './own-hdfs.ts'
import { TroubledFlow } from './troubled-flow.ts'

const TIMEOUT_MS = 600_000
const LONG_OUTAGE_MS = 60_000
/** Bytes, of which the lake holds more by then. */
const SMALL_QUOTA = '1000000'

const services = inject('services')
/** An HDFS of its own that starts again and again takes minutes. */
const skipped = !LONG ? 'in npm run test:faults' : 'skipped' in services ? services.skipped : undefined

describe.skipIf(skipped)(`HDFS outages${skipped ? ` (skipped: ${skipped})` : ''}`, { timeout: TIMEOUT_MS }, () => {
  let hdfs: OwnHdfs
  let place: Workplace
  let flow: TroubledFlow

  beforeAll(async () => {
    if ('skipped' in services) return
    hdfs = await OwnHdfs.start()
    place = await Workplace.create()
    flow = await TroubledFlow.start(place, {
      MF_PROFILE: 'cluster',
      MF_KAFKA_BROKERS: services.kafka.brokers.join(','),
      MF_HDFS_NAMENODES: hdfs.address('nn1'),
    })
  }, TIMEOUT_MS)
  afterAll(async () => {
    await flow?.[Symbol.asyncDispose]()
    await place?.remove()
    await hdfs?.[Symbol.asyncDispose]()
  })

  /** From an archiver that works to one that works again. */
  async function survive(trouble: { begin: () => unknown; end: () => unknown; says: RegExp; health?: RegExp }) {
    const mark = flow.mark()
    await trouble.begin()
    await flow.says(trouble.says, mark)
    if (trouble.health) await flow.healthOfLake(trouble.health)
    await flow.healthOfArchiver(/^failed .*partition \d waits/)
    await flow.nothingMoves()
    await trouble.end()
    await flow.archivedUpToNow()
    await flow.healthOfLake(/^ok/)
    await flow.healthOfArchiver(/^ok/)
  }

  /** Stops the DataNode while files are being written, and gives them: they stay open from then on. */
  async function freezeAmidWrite(): Promise<string[]> {
    for (;;) {
      const staged = await flow.midWrite()
      hdfs.signal('datanode', 'SIGSTOP')
      const open: string[] = []
      for (const path of staged) if (await isOpen(hdfs.address('nn1'), path)) open.push(path)
      if (open.length > 0) return open
      // Written already, or not begun yet.
      hdfs.signal('datanode', 'SIGCONT')
      await sleep(20)
    }
  }

  it('the DataNode dies amid a write; so does the NameNode, and comes back first, in safe mode', async () => {
    await survive({
      begin: async () => {
        await flow.midWrite()
        await hdfs.kill('datanode')
      },
      says: /waiting: /,
      end: async () => {
        await hdfs.kill('nn1')
        await flow.healthOfLake(/^failed .*connection refused/)
        hdfs.begin('nn1')
        await hdfs.untilNameNode()
        await flow.nothingMoves()
        hdfs.begin('datanode')
      },
    })
  })

  it('the DataNode and the archiver die amid a write, and nobody gives the lease back', async () => {
    const open = await freezeAmidWrite()
    await Promise.all([hdfs.kill('datanode'), flow.killArchiver()])
    hdfs.begin('datanode')
    await hdfs.untilReady()
    flow.restartArchiver()
    await flow.archivedUpToNow()
    expect((await flow.staged()).filter((path) => open.includes(path))).toEqual([])
  })

  it('the space quota is used up', async () => {
    const folder = `/${flow.config.topic}`
    await survive({
      begin: () => hdfs.admin('-setSpaceQuota', SMALL_QUOTA, folder),
      says: /waiting: .*quota.*exceeded/i,
      end: () => hdfs.admin('-clrSpaceQuota', folder),
    })
  })

  it('the NameNode restarts, and an archiver is told to stop meanwhile', async () => {
    await survive({
      begin: () => hdfs.kill('nn1'),
      says: /waiting: /,
      health: /^failed .*connection refused/,
      end: async () => {
        await flow.stopArchiver()
        hdfs.begin('nn1')
        await hdfs.untilReady()
        flow.restartArchiver()
      },
    })
  })

  it('an operator has it in safe mode', async () => {
    await survive({
      begin: () => hdfs.admin('-safemode', 'enter'),
      says: /waiting: /,
      end: () => hdfs.admin('-safemode', 'leave'),
    })
  })

  it('the NameNode is frozen for a minute', async () => {
    await survive({
      begin: () => hdfs.signal('nn1', 'SIGSTOP'),
      says: /waiting: /,
      health: /^failed/,
      end: async () => {
        await sleep(LONG_OUTAGE_MS)
        hdfs.signal('nn1', 'SIGCONT')
      },
    })
  })

  it('the DataNode is frozen', async () => {
    await survive({
      begin: () => hdfs.signal('datanode', 'SIGSTOP'),
      says: /waiting: /,
      end: () => hdfs.signal('datanode', 'SIGCONT'),
    })
  })

  it.each(['nn1', 'datanode'] as const)('an archiver is told to stop while %s is frozen', async (daemon) => {
    await survive({
      begin: () => hdfs.signal(daemon, 'SIGSTOP'),
      says: /waiting: /,
      end: async () => {
        await flow.stopArchiver()
        hdfs.signal(daemon, 'SIGCONT')
        flow.restartArchiver()
      },
    })
  })

  it('every event is in the lake once', () => flow.finish())
})
