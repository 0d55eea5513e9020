/**
 * Guarantee: when HDFS refuses for lack of rights, the partition stops with an error that says what to do; no offset
 * moves, and once the rights are there the next archiver goes on: every event is in the lake once.
 */
import { randomUUID } from 'node:crypto'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { Workplace } from '../test/cli/music-faker.ts'
import { LONG } from './form.ts'
import type { Fate } from './hdfs-proxy.ts'
import { OnePartition } from './one-partition.ts'
import { expectExactlyOnce } from './oracle.ts'
import { OwnHdfs } from './own-hdfs.ts'

const MESSAGES = 14
const BEFORE = 3
const TIMEOUT_MS = 600_000
/** Without the guard the archiver tries for ever. */
const REFUSED_MS = 60_000

/** Said of a partition, or of the whole archiver where it may not even look. */
const DENIED = expect.stringMatching(
  /(STOPPED|error): .*Permission denied: user=archiver.*LAKE_DENIED\)\n {2}next: .*hdfs-user/,
)

/** As Hadoop 3.5.0 answers, and as a gateway in front of it does. */
const PERMISSION: Fate = {
  happens: 'never',
  answer: {
    status: 403,
    body: '{"RemoteException":{"exception":"AccessControlException","javaClassName":"org.apache.hadoop.security.AccessControlException","message":"Permission denied: user=ann, access=WRITE"}}',
  },
}
const LOGIN: Fate = {
  happens: 'never',
  answer: { status: 401, body: '<html>Authentication required', type: 'text/html' },
}

const services = inject('services')
const skipped = 'skipped' in services

describe.skipIf(skipped)(
  `a refusal${skipped ? ` (skipped: ${services.skipped})` : ''}`,
  { timeout: TIMEOUT_MS },
  () => {
    it.concurrent.each([
      { op: 'RENAME', status: 403, fate: PERMISSION },
      { op: 'RENAME', status: 401, fate: LOGIN },
      { op: 'CREATE', status: 403, fate: PERMISSION },
      { op: 'CREATE', status: 401, fate: LOGIN },
      { op: 'MKDIRS', status: 403, fate: PERMISSION },
      { op: 'LISTSTATUS_BATCH', status: 401, fate: LOGIN },
    ])('$status to $op stops the partition where it is', { timeout: REFUSED_MS }, async ({ op, fate }) => {
      if ('skipped' in services) return
      await using place = await OnePartition.open(services, MESSAGES)
      await place.archive({ target: BEFORE })
      const before = [...place.committed]
      let refused = 0
      place.proxy.decide = (call) => (call.op === op && refused++ >= 0 ? fate : undefined)
      await expect(place.archiveThroughProxy({ target: MESSAGES })).rejects.toMatchObject({
        code: 'LAKE_DENIED',
        next: expect.stringContaining('rights'),
      })
      expect(refused).toBeGreaterThan(0)
      expect(place.committed.slice(before.length), 'offsets beyond what was committed').toEqual([])
      await place.archive({ target: MESSAGES })
      await place.expectExactlyOnce(`${op} refused`)
    })

    it.runIf(LONG)('of an HDFS with permissions stops the archiver with exit code 78', async () => {
      if ('skipped' in services) return
      await using hdfs = await OwnHdfs.start({ properties: { 'dfs.permissions.enabled': 'true' } })
      const place = await Workplace.create()
      onTestFinished(() => place.remove())
      const env = {
        MF_PROFILE: 'cluster',
        MF_KAFKA_BROKERS: services.kafka.brokers.join(','),
        MF_HDFS_NAMENODES: hdfs.address('nn1'),
        MF_HDFS_USER: 'archiver',
        MF_TOPIC: `denied_${randomUUID()}`,
      }
      const folder = `/${env.MF_TOPIC}`
      const run = (...args: string[]) => place.run(args, { env })
      const produce = (seed: string) => run('produce', '-n', '2000', '--seed', seed, '--ledger', place.path('ledger'))

      await produce('1')
      const first = await run('consume', '--once')
      expect(first, 'the top folder is not its own').toMatchObject({ code: 78, stderr: DENIED })

      await hdfs.asSuperuser('MKDIRS', folder)
      await hdfs.asSuperuser('SETOWNER', folder, { owner: env.MF_HDFS_USER })
      expect(await run('consume', '--once')).toMatchObject({ code: 0 })

      await hdfs.asSuperuser('SETPERMISSION', folder, { permission: '0' })
      await produce('2')
      // Not with --once: it has nothing left to stay for.
      expect(await run('consume')).toMatchObject({ code: 78, stderr: DENIED })

      await hdfs.asSuperuser('SETPERMISSION', folder, { permission: '755' })
      expect(await run('consume', '--once')).toMatchObject({ code: 0 })
      await expectExactlyOnce(loadConfig({}, env).config, [place.path('ledger')], { quarantined: 0 })
    })
  },
)
