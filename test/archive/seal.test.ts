import { afterEach, beforeEach, expect, it } from 'vitest'
import { archive } from '../../src/archive/archiver.ts'
import { compact } from '../../src/archive/compact.ts'
import { dayFolder, partitionCommits, recordName } from '../../src/archive/layout.ts'
import { type DayState, dayStates, type Seal, Sealer } from '../../src/archive/seal.ts'
import { systemClock } from '../../src/clock.ts'
import { encode } from '../../src/event.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { verify } from '../../src/lake/verify.ts'
import type { EventLog } from '../../src/log/log.ts'
import { eventually } from '../contract/log-reading.ts'
import { killedAt } from '../export/killed.ts'
import { boundLake } from '../lake/bound-lake.ts'
import { openMemoryLake } from '../lake/memory.ts'
import { MemoryTopic } from '../log/memory.ts'
import { SteppedClock } from '../stepped-clock.ts'

const ROOT = '/t'
const HOUR_MS = 3_600_000
const MIDNIGHT = Date.UTC(2025, 6, 4)
const FOLDER = dayFolder(ROOT, '2025-07-03')

let topic: MemoryTopic
let log: EventLog
let lake: LakeStorage
let now: number
const clock = { ...systemClock, now: () => now }
let sent: number
let seals: Seal[]

beforeEach(async () => {
  now = MIDNIGHT + 2 * HOUR_MS
  sent = 0
  seals = []
  topic = new MemoryTopic('t')
  log = topic.open(2)
  await log.ensureTopic()
  lake = openMemoryLake(() => now)
})
afterEach(() => log.close())

function put(timestamp: string, count = 3, partition = 0): void {
  for (let i = 0; i < count; i++) {
    const track = `Track ${sent++}`
    topic.put(
      partition,
      encode({
        ...{ user: 'eric04', artist: 'Carol Moore', track, timestamp, genre: 'Jazz', duration: 146 },
        ...{ platform: 'Spotify', device: 'Desktop', action: 'like', country: 'FR' },
      }),
    )
  }
}

function run(options: Partial<Parameters<typeof archive>[0]> = {}) {
  return archive({
    ...{ log, lake, root: ROOT, group: 'g', once: true, acceptGap: false, clock },
    limits: { messages: 100, bytes: 1e9, ageMs: 20 },
    signal: new AbortController().signal,
    ...options,
  })
}

function sealer(of = lake) {
  return new Sealer({
    ...{ lake: of, root: ROOT, log, latenessMs: HOUR_MS, staging: `${ROOT}/_staging/id/p0/1`, clock },
    signal: new AbortController().signal,
    onSealed: (seal) => seals.push(seal),
  })
}

const states = async () => (await dayStates(lake, ROOT, 10)).map(({ day, state }) => `${day} ${state}`)

it('seals a day once its lateness is over and all of it is archived, and no later one', async () => {
  put('2025-07-03T20:00:00')
  put('2025-07-04T00:10:00', 3, 1)
  await run()
  const sealing = sealer()
  now = MIDNIGHT + HOUR_MS - 1
  await sealing.pass()
  expect(await states()).toEqual(['2025-07-04 open', '2025-07-03 open'])
  now = MIDNIGHT + HOUR_MS
  await sealing.pass()
  await sealing.pass()
  expect(await states()).toEqual(['2025-07-04 open', '2025-07-03 sealed'])
  expect(seals).toEqual([
    { day: '2025-07-03', events: 3, late: 0, sealedAt: '2025-07-04T01:00:00.000Z', renewedAt: null },
  ])
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true, events: 6, files: 2 })
})

it('waits for a partition that is behind: its watermark is the newest event of its last batch', async () => {
  put('2025-07-03T20:00:00')
  put('2025-07-03T21:00:00', 3, 1)
  await run()
  put('2025-07-03T23:59:59', 3, 1)
  await sealer().pass()
  expect(seals).toEqual([])
  // It has reached the next day, so what it has still to bring of the day before is late.
  put('2025-07-04T01:00:00', 1, 1)
  await run()
  put('2025-07-04T01:30:00', 1, 1)
  await sealer().pass()
  expect(seals).toMatchObject([{ day: '2025-07-03', events: 9 }])
})

it('knows the last batch also where files were joined after it', async () => {
  put('2025-07-03T20:00:00')
  for (const timestamp of ['2025-07-04T01:00:00', '2025-07-04T01:10:00']) {
    put(timestamp, 1, 1)
    await run()
  }
  await compact({ log, lake, root: ROOT, group: 'g', signal: new AbortController().signal })
  put('2025-07-04T01:30:00', 1, 1)
  await sealer().pass()
  expect(seals).toMatchObject([{ day: '2025-07-03', events: 3 }])
})

it('takes late events in, counts them, and renews the seal', async () => {
  put('2025-07-03T20:00:00')
  await run()
  const sealing = sealer()
  await sealing.pass()
  const sealed = await lake.stat(`${FOLDER}/_SUCCESS`)
  now += HOUR_MS
  put('2025-07-03T19:00:00', 2, 1)
  await run()
  await sealing.pass()
  expect(await states()).toEqual(['2025-07-03 late'])
  expect(seals[1]).toMatchObject({
    events: 5,
    late: 2,
    sealedAt: seals[0]?.sealedAt,
    renewedAt: '2025-07-04T03:00:00.000Z',
  })
  expect((await lake.stat(`${FOLDER}/_SUCCESS`))?.modified).toBeGreaterThan(sealed?.modified ?? 0)
  // Another archiver goes on from there; joining the files makes no event late.
  put('2025-07-03T18:00:00', 1)
  await run()
  await compact({ log, lake, root: ROOT, group: 'g', signal: new AbortController().signal })
  await sealer().pass()
  await sealer().pass()
  expect(seals.slice(2)).toMatchObject([{ events: 6, late: 3 }])
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true, events: 6 })
})

it.each([
  ['late events', true, { events: 5, late: 2 }],
  ['all events before it seals', false, { events: 5, late: 0 }],
])('counts %s also where it looked while their batch was half published', async (_, sealedBefore, seal) => {
  put('2025-07-03T20:00:00')
  put('2025-07-04T00:10:00', 3, 1)
  await run()
  const sealing = sealer()
  if (sealedBefore) await sealing.pass()
  const before = seals.length
  now += HOUR_MS
  put('2025-07-03T19:00:00', 2)
  put('2025-07-04T02:30:00', 1)
  const half = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const slow: LakeStorage = {
    ...boundLake(lake),
    rename: async (from, to) => {
      const [isToday, isLate] = ['04', '03'].map((day) => to.includes(`/day=${day}/`) && to.includes('_p0_3-5'))
      if (isToday) await goOn.promise
      await lake.rename(from, to)
      if (isLate) half.resolve()
    },
  }
  const running = run({ lake: slow })
  await half.promise
  await sealing.pass()
  expect(seals).toHaveLength(before)
  goOn.resolve()
  await running
  await sealing.pass()
  expect(seals.slice(before)).toMatchObject([{ day: '2025-07-03', ...seal }])
})

it('keeps since when a day is sealed, and how many came late, whoever dies renewing the seal', async () => {
  put('2025-07-03T20:00:00')
  await run()
  await sealer().pass()
  const first = seals[0]!
  let died = true
  for (let step = 1; died; step++) {
    for (const happens of [false, true]) {
      now += HOUR_MS
      put('2025-07-03T19:00:00', 1)
      await run()
      const dying = killedAt(step, happens, lake)
      died = await sealer(dying.storage)
        .pass()
        .then(
          () => false,
          () => true,
        )
      await sealer().pass()
      const [{ state, seal }] = (await dayStates(lake, ROOT, 1)) as [DayState]
      const what = `${happens ? 'after' : 'before'} step ${step}`
      expect({ state, ...seal }, what).toMatchObject({
        state: 'late',
        sealedAt: first.sealedAt,
        events: sent,
        late: sent - 3,
      })
    }
  }
  expect(await verify({ lake, root: ROOT, deep: true })).toMatchObject({ ok: true, events: sent })
})

it('goes on by itself while archiving', async () => {
  put('2025-07-03T20:00:00')
  await run()
  const stop = new AbortController()
  const running = run({ once: false, latenessMs: HOUR_MS, signal: stop.signal })
  await eventually(async () => expect(await states()).toEqual(['2025-07-03 sealed']), 10_000)
  stop.abort()
  await running
})

it('says once what keeps it from sealing, and seals when that is mended', async () => {
  put('2025-07-03T20:00:00')
  await run()
  const damaged = `${partitionCommits(ROOT, 'before', 0)}/${recordName(1)}`
  await lake.write(damaged, Buffer.from('{'))
  const fast = new SteppedClock(now)
  const [stop, told] = [new AbortController(), [] as string[]]
  const running = run({
    ...{ once: false, latenessMs: HOUR_MS, signal: stop.signal, clock: fast },
    report: (event) => event.kind === 'unsealed' && told.push(event.error.code),
  })
  const look = async () => {
    await eventually(() => expect(fast.sleeping).toBe(1), 10_000)
    fast.goOn(60_000)
  }
  for (let looks = 0; looks < 5; looks++) await look()
  expect(told).toEqual(['COMMIT_CORRUPT'])
  expect(await states()).toEqual(['2025-07-03 open'])
  await lake.remove(damaged)
  await look()
  await eventually(async () => expect(await states()).toEqual(['2025-07-03 sealed']), 10_000)
  stop.abort()
  await running
  expect(told).toHaveLength(1)
})

it('seals what is due at the end of archiving once', async () => {
  put('2025-07-03T20:00:00')
  put('2025-07-04T00:10:00', 3, 1)
  await run({ latenessMs: HOUR_MS, report: (event) => event.kind === 'sealed' && seals.push(event.seal) })
  expect(seals).toMatchObject([{ day: '2025-07-03', events: 3 }])
  expect(await states()).toEqual(['2025-07-04 open', '2025-07-03 sealed'])
})

it('lets two archivers seal the same day, and a seal that another program made stand', async () => {
  put('2025-07-03T20:00:00')
  put('2025-07-02T20:00:00')
  await run()
  const theirs = `${dayFolder(ROOT, '2025-07-02')}/_SUCCESS`
  await lake.write(theirs, new Uint8Array())
  await Promise.all([sealer().pass(), sealer().pass()])
  expect(seals.map(({ day }) => day)).toEqual(['2025-07-03'])
  expect((await lake.stat(theirs))?.bytes).toBe(0)
  for await (const left of lake.list(`${ROOT}/_staging/id/p0/1`)) expect.fail(left.path)
})
