/**
 * Guarantee: whatever HDFS answers to a call that took effect, or did not, or will only later - nothing, a broken
 * connection, `false`, another server's page - each event is in the lake once. A proxy between the program and a real
 * HDFS does it to each operation in turn.
 */
import { describe, expect, inject, it } from 'vitest'
import { LONG } from './form.ts'
import type { Fate, HdfsCall } from './hdfs-proxy.ts'
import { OnePartition } from './one-partition.ts'

const MESSAGES = 14
/** What an owner has archived before the one whose answers are lost. */
const BEFORE = 3
/** How often a call of the kind is done it to. */
const TIMES = LONG ? 3 : 1
const TIMEOUT_MS = 60_000

const CALLS: HdfsCall[] = [
  { op: 'RENAME', to: 'namenode' },
  { op: 'MKDIRS', to: 'namenode' },
  { op: 'DELETE', to: 'namenode' },
  { op: 'CREATE', to: 'namenode' },
  { op: 'CREATE', to: 'datanode' },
  { op: 'GETFILESTATUS', to: 'namenode' },
  { op: 'LISTSTATUS_BATCH', to: 'namenode' },
  { op: 'OPEN', to: 'namenode' },
  { op: 'OPEN', to: 'datanode' },
]
const FALSE = { status: 200, body: '{"boolean":false}' }
const PAGE = { status: 502, body: '<html>Bad Gateway', type: 'text/html' }

const FATES: Record<string, Fate> = {
  'done, and the connection broke': { happens: 'yes', answer: 'broken' },
  'done, and not answered': { happens: 'yes', answer: 'silence' },
  'done, and a gateway answered': { happens: 'yes', answer: PAGE },
  'done after it was given up': { happens: 'late', answer: 'silence' },
  'lost, and the connection broke': { happens: 'never', answer: 'broken' },
  'lost, and a gateway answered': { happens: 'never', answer: PAGE },
}
const ONLY_BOOLEAN: Record<string, Fate> = {
  'done, and answered by false': { happens: 'yes', answer: FALSE },
  'lost, and answered by false': { happens: 'never', answer: FALSE },
}
const SHORT = /^done, and the connection|by false$|with half|^lost, and a gateway/
/** A transfer that breaks off, which a DataNode takes for the whole file. */
const TORN: Record<string, Fate> = {
  'done with half of the bytes': { happens: 'half', answer: { status: 201, body: '' } },
}
const CHANGES = /^(RENAME|MKDIRS|DELETE|CREATE)$/
const ANSWERED_BY_BOOLEAN = /^(RENAME|MKDIRS|DELETE)$/

/** In the short form every fate for renames, and for the others the two that differ most. */
function casesOf(call: HdfsCall): (HdfsCall & { what: string; fate: Fate })[] {
  const all = Object.entries({
    ...FATES,
    ...(ANSWERED_BY_BOOLEAN.test(call.op) ? ONLY_BOOLEAN : {}),
    ...(call.op === 'CREATE' && call.to === 'datanode' ? TORN : {}),
  })
  const fates = LONG || call.op === 'RENAME' ? all : all.filter(([what]) => SHORT.test(what))
  return (
    fates
      // Whether a look took place makes no difference.
      .filter(([, { happens }]) => CHANGES.test(call.op) || happens === 'never')
      .map(([what, fate]) => ({ ...call, what, fate }))
  )
}

const services = inject('services')
const skipped = 'skipped' in services

describe.skipIf(skipped)(`lost answers${skipped ? ` (skipped: ${services.skipped})` : ''}`, () => {
  it.concurrent.each(CALLS.flatMap(casesOf))(
    '$op of the $to: $what',
    { timeout: TIMEOUT_MS },
    async ({ op, to, what, fate }) => {
      if ('skipped' in services) return
      await using place = await OnePartition.open(services, MESSAGES)
      await place.archive({ target: BEFORE })
      await place.leaveStaged()

      let left = TIMES
      place.proxy.decide = (call) => (call.op === op && call.to === to && left-- > 0 ? fate : undefined)
      await place.archiveThroughProxy({ target: MESSAGES })
      expect(left, 'calls of this kind').toBeLessThan(TIMES)
      await place.proxy.settled()
      await place.expectExactlyOnce(`${op} of the ${to}: ${what}`)
    },
  )

  it('a file that a suspended writer still holds open is swept by the next owner', {
    timeout: TIMEOUT_MS,
  }, async () => {
    if ('skipped' in services) return
    await using place = await OnePartition.open(services, MESSAGES)
    await place.archive({ target: BEFORE })
    const { path, goOn, written } = await place.holdOpen()
    await expect(place.write(path, Buffer.from('another'))).rejects.toMatchObject({ code: 'LAKE_EXISTS' })
    await place.archive({ target: MESSAGES })
    goOn()
    await expect(written).rejects.toMatchObject({ code: 'LAKE_FAILED' })
    await place.expectExactlyOnce('a file that was held open')
  })

  it('an archiver that has to leave does not wait for an HDFS that says nothing', { timeout: TIMEOUT_MS }, async () => {
    if ('skipped' in services) return
    await using place = await OnePartition.open(services, MESSAGES, { requestTimeout: 10 * TIMEOUT_MS })
    const silence: Fate = { happens: 'never', answer: 'silence' }
    for (const { op, to } of CALLS.filter((call) => CHANGES.test(call.op) || call.op === 'LISTSTATUS_BATCH')) {
      const [leave, met] = [new AbortController(), Promise.withResolvers<void>()]
      place.proxy.decide = (call) => {
        if (call.op !== op || call.to !== to) return undefined
        met.resolve()
        return silence
      }
      await place.leaveStaged()
      const archiving = place.archiveThroughProxy({ target: MESSAGES, abandon: leave.signal })
      await met.promise
      leave.abort(new Error('time is up'))
      await archiving
    }
    await place.archive({ target: MESSAGES })
    await place.expectExactlyOnce('left while HDFS was silent')
  })
})
