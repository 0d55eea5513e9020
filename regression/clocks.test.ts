/**
 * Guarantee: whatever the clocks and time zones of the processes say, an event is in the folder of its own UTC day, the
 * limit on future dates is held against the clock of who reads, and nothing waits because a clock was set.
 */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { archive } from '../src/archive/archiver.ts'
import { dayFolder, lakeRoot } from '../src/archive/layout.ts'
import { systemClock } from '../src/clock.ts'
import { loadConfig } from '../src/config.ts'
import { encode, MAX_FUTURE_MS } from '../src/event.ts'
import { openLake, openLog } from '../src/profiles.ts'
import { dataFiles, quarantined } from '../test/archive/lake-contents.ts'
import { type RunningCommand, Workplace } from '../test/cli/music-faker.ts'
import { eventually } from '../test/contract/log-reading.ts'
import { openMemoryLake } from '../test/lake/memory.ts'
import { MemoryTopic } from '../test/log/memory.ts'
import { LONG } from './form.ts'
import { expectExactlyOnce } from './oracle.ts'

const SHIFTED = ['--import', fileURLToPath(new URL('shifted-clock.ts', import.meta.url))]
const DAY_MS = 86_400_000
/** Less than what makes an event one of the future: of two processes one may be set right before the other. */
const ALMOST_A_DAY_MS = DAY_MS - 60_000
const PATIENCE_MS = 60_000
const TIMEOUT_MS = 120_000
const NOON = Date.UTC(2025, 6, 3, 12)

/** Settings for the services that run for these tests. */
function cluster(): Record<string, string> {
  const services = inject('services')
  if ('skipped' in services) throw new Error(services.skipped)
  return {
    MF_PROFILE: 'cluster',
    MF_TOPIC: `clocks_${randomUUID()}`,
    MF_KAFKA_BROKERS: services.kafka.brokers.join(','),
    MF_HDFS_NAMENODES: services.hdfs.namenodes.join(','),
  }
}

function eventAt(timestamp: string) {
  return encode({
    ...{ user: 'eric04', artist: 'Carol Moore', track: 'Nights', timestamp, genre: 'Jazz', duration: 146 },
    ...{ platform: 'Spotify', device: 'Desktop', action: 'like', country: 'FR' },
  })
}

describe('the archiver', () => {
  /** Archives the events, a batch each; gives the days of those in the lake and how many are in quarantine. */
  async function archived(timestamps: readonly string[], now: () => number) {
    const topic = new MemoryTopic('t')
    const log = topic.open(1)
    await log.ensureTopic()
    for (const timestamp of timestamps) topic.put(0, eventAt(timestamp))
    const lake = openMemoryLake()
    await archive({
      ...{ log, lake, clock: { ...systemClock, now }, root: '/t', group: 'g', once: true, acceptGap: false },
      limits: { messages: 1, bytes: 1e9, ageMs: 60_000 },
      signal: new AbortController().signal,
    })
    const files = [...(await dataFiles(lake, '/t'))]
    for (const [path, lines] of files) {
      for (const line of lines) expect(path).toContain(dayFolder('/t', JSON.parse(line).timestamp.slice(0, 10)))
    }
    return { lines: files.flatMap(([, lines]) => lines).length, quarantined: (await quarantined(lake, '/t')).length }
  }
  const iso = (at: number) => new Date(at).toISOString().slice(0, -1)

  it.each([
    ['right', 0],
    ['a day ahead', DAY_MS],
    ['a day behind', -DAY_MS],
  ])('holds future dates against its own clock: %s', async (_, shift) => {
    const limit = NOON + shift + MAX_FUTURE_MS
    const dates = [iso(limit - 1_000), iso(limit), iso(limit + 1_000), iso(limit + DAY_MS)]
    expect(await archived(dates, () => NOON + shift)).toEqual({ lines: 2, quarantined: 2 })
  })

  it('gives each file a name of its own while its clock jumps back and forth', async () => {
    let looks = 0
    const clock = () => NOON + (looks++ % 3) * DAY_MS - DAY_MS
    const dates = Array.from({ length: 24 }, (_, n) => iso(NOON - (n % 2) * DAY_MS))
    expect(await archived(dates, clock)).toEqual({ lines: 24, quarantined: 0 })
  })

  it('divides days at midnight in UTC: of leap days, year ends and days on which clocks are set', async () => {
    const days = ['2024-02-28', '2024-02-29', '2024-12-31', '2025-03-09', '2025-03-30', '2025-06-30']
    const dates = days.flatMap((day) => [`${day}T00:00:00`, `${day}T02:30:00.5`, `${day}T23:59:59.999999`])
    expect(await archived(dates, () => NOON)).toEqual({ lines: dates.length, quarantined: 0 })
  })
})

describe('the commands', () => {
  let place: Workplace
  let env: Record<string, string>
  let ledgers: string[]

  beforeEach(async () => {
    place = await Workplace.create()
    env = { MF_DATA_DIR: place.path('data'), MF_PARTITIONS: '1' }
    ledgers = []
  })
  afterEach(() => place.remove())

  const started = (args: string[], clock = '0:0', zone = 'UTC') =>
    place.start(args, { nodeOptions: SHIFTED, env: { ...env, CLOCK: clock, TZ: zone } })

  async function done(command: RunningCommand): Promise<void> {
    const { code, stderr } = await command.ended
    expect(code, stderr).toBe(0)
  }

  async function produce(args: string[], clock?: string, zone?: string): Promise<void> {
    const ledger = place.path(`ledger${ledgers.length}`)
    ledgers.push(ledger)
    await done(started(['produce', ...args, '--ledger', ledger], clock, zone))
  }

  /** Every file holds events of the day of its folder, and the oracle is content. */
  async function expectInOrder(): Promise<Set<string>> {
    const { config } = loadConfig({}, env)
    await expectExactlyOnce(config, ledgers)
    const lake = await openLake(config)
    const root = lakeRoot(config.topic)
    const days = new Set<string>()
    for (const [path, lines] of await dataFiles(lake, root)) {
      for (const line of lines) {
        const day = JSON.parse(line).timestamp.slice(0, 10)
        expect(path).toContain(`${dayFolder(root, day)}/`)
        days.add(day)
      }
    }
    await lake.close()
    return days
  }

  it(
    'archive the nights of leap day, year end and daylight saving in zones that set their clocks',
    async () => {
      // Each night as its own zone sees it, or the one that is furthest from UTC.
      await produce(['-n', '300', '--start', '2024-02-28T23:59:50'], '0:0', 'Pacific/Kiritimati')
      await produce(['-n', '300', '--start', '2024-12-31T23:59:50'], '0:0', 'America/Los_Angeles')
      await produce(['-n', '300', '--start', '2025-03-30T00:59:50'], '0:0', 'Europe/Paris')
      await produce(['-n', '300', '--start', '2025-11-02T05:59:50'], '0:0', 'America/New_York')
      await done(started(['consume', '--once'], '0:0', 'Australia/Lord_Howe'))
      expect([...(await expectInOrder())].sort()).toEqual([
        ...['2024-02-28', '2024-02-29', '2024-12-31', '2025-01-01', '2025-03-30', '2025-11-02'],
      ])
    },
    TIMEOUT_MS,
  )

  const settings = [
    { profile: 'embedded', from: 'ahead', shift: ALMOST_A_DAY_MS },
    { profile: 'embedded', from: 'behind', shift: -ALMOST_A_DAY_MS },
    { profile: 'cluster', from: 'ahead', shift: ALMOST_A_DAY_MS },
    { profile: 'cluster', from: 'behind', shift: -ALMOST_A_DAY_MS },
  ].filter(({ profile, from }) => LONG || (profile === 'embedded' && from === 'ahead'))

  it.each(settings)(
    'go on when the clock is set while they run, from almost a day $from to right: $profile',
    async ({ profile, shift }) => {
      if (profile === 'cluster') Object.assign(env, cluster())
      const clock = `0:${shift},2500:0`
      const consume = started(['consume', '-m', 'realtime'], clock)
      await consume.until(({ stderr }) => /reading from offset/.test(stderr))
      await produce(['--realtime', '-n', '30', '-d', '0.2'], clock)
      await eventually(async () => expect(await archivedOffsets()).toBe(30), PATIENCE_MS)
      consume.stop('SIGTERM')
      await done(consume)
      await expectInOrder()
    },
    TIMEOUT_MS,
  )

  it(
    'take over from one that was killed while the clock was a day ahead',
    async () => {
      await produce(['-n', '50'])
      const dead = started(['consume', '-m', 'realtime'], `0:${DAY_MS}`)
      await eventually(async () => expect(await archivedOffsets()).toBe(50), PATIENCE_MS)
      dead.stop('SIGKILL')
      await dead.ended
      await produce(['-n', '50'])
      const heir = started(['consume', '-m', 'realtime'])
      await eventually(async () => expect(await archivedOffsets()).toBe(100), PATIENCE_MS)
      heir.stop('SIGINT')
      await done(heir)
      await expectInOrder()
    },
    TIMEOUT_MS,
  )

  /** By what the group has committed: that follows the lake. */
  async function archivedOffsets(): Promise<number> {
    const { config } = loadConfig({}, env)
    const log = await openLog(config)
    const next = (await log.committed(config.group)).get(0) ?? 0
    await log.close()
    return next
  }
})
