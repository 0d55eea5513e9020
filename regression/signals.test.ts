/**
 * Guarantee: whenever SIGINT or SIGTERM comes, also while the lake cannot be reached, the archiver commits or drops what
 * it holds and ends with 0 within 10 s; a second signal ends it at once. Either way nothing is lost and nothing doubled.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { archive } from '../src/archive/archiver.ts'
import { loadConfig } from '../src/config.ts'
import { MusicFakerError } from '../src/errors.ts'
import { encode, formatTimestamp } from '../src/event.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import { verify } from '../src/lake/verify.ts'
import { freePort, type RunningCommand, Workplace } from '../test/cli/music-faker.ts'
import { openMemoryLake } from '../test/lake/memory.ts'
import { MemoryTopic } from '../test/log/memory.ts'
import { LONG } from './form.ts'
import { expectLakeHoldsLog } from './lake-holds-log.ts'
import { expectExactlyOnce } from './oracle.ts'
import { passTime } from './pass-time.ts'

const ROOT = '/t'
const MESSAGES = 12
const T0 = Date.UTC(2025, 6, 3, 20)
const HOUR_MS = 3_600_000
/** Claim, two batches, and their publishing: fewer changes would mean that nothing was tried. */
const FEWEST_STEPS = 12
const TIMEOUT_MS = 120_000

describe('at every step of the protocol', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  function message(n: number) {
    const timestamp = T0 + n * HOUR_MS
    const fields = { user: 'eric04', artist: 'Carol Moore', track: 'Nights', genre: 'Jazz', duration: 146 }
    const where = { platform: 'Spotify', device: 'Desktop', action: 'like', country: 'FR' }
    return n % 4 === 3
      ? Buffer.from('{broken')
      : encode({ ...fields, ...where, timestamp: formatTimestamp(timestamp, n) })
  }

  async function topicWithMessages() {
    const log = new MemoryTopic('t').open(1)
    await log.ensureTopic()
    await log.append(Array.from({ length: MESSAGES }, (_, n) => ({ key: 'k', value: message(n) })))
    return log
  }

  const options = { root: ROOT, group: 'g', limits: { messages: 4, bytes: 1e9, ageMs: 60_000 }, acceptGap: false }

  it.each([
    ['and the lake works', false],
    ['and the lake cannot be reached from then on', true],
  ])('a signal comes, %s', async (_, down) => {
    for (let step = 1; ; step++) {
      const [log, real] = [await topicWithMessages(), openMemoryLake()]
      const stop = new AbortController()
      const lake = signalled(real, step, () => stop.abort(), down)
      const summary = await passTime(archive({ ...options, log, lake, once: true, signal: stop.signal }))
      if (!stop.signal.aborted) return expect(step).toBeGreaterThan(FEWEST_STEPS)
      const { problems, pending } = await verify({ lake: real, root: ROOT, deep: true })
      expect(problems, `step ${step}`).toEqual([])
      if (!down) expect({ drained: summary.drained, pending }, `step ${step}`).toEqual({ drained: true, pending: [] })
      await passTime(archive({ ...options, log, lake: real, once: true, signal: new AbortController().signal }))
      await expectLakeHoldsLog(log, real, ROOT, `step ${step}`)
    }
  })
})

/** Calls `at` before the given change of the lake; from then on every call fails, if the lake is to be down. */
function signalled(lake: LakeStorage, step: number, at: () => void, down: boolean): LakeStorage {
  let changes = 0
  const look = <T>(real: () => Promise<T>): Promise<T> =>
    down && changes >= step ? Promise.reject(new MusicFakerError('LAKE_UNREACHABLE', 'no answer')) : real()
  const change = <T>(real: () => Promise<T>): Promise<T> => {
    if (++changes === step) at()
    return look(real)
  }
  return {
    write: (path, body) => change(() => lake.write(path, body)),
    rename: (from, to) => change(() => lake.rename(from, to)),
    remove: (path) => change(() => lake.remove(path)),
    read: (path) => look(() => lake.read(path)),
    stat: (path) => look(() => lake.stat(path)),
    stream: (path) => lake.stream(path),
    async *list(path, list) {
      await look(async () => {})
      yield* lake.list(path, list)
    },
    close: () => lake.close(),
  }
}

describe('the commands, under load', () => {
  let place: Workplace
  let env: Record<string, string>
  const ledgers = () => [place.path('ledger')]

  beforeEach(async () => {
    place = await Workplace.create()
    env = { MF_DATA_DIR: place.path('data'), MF_PORT: String(await freePort()) }
  })
  afterEach(() => place.remove())

  const start = (...args: string[]) => place.start(args, { env })

  async function ended(command: RunningCommand, code: number): Promise<void> {
    const outcome = await command.end()
    expect(outcome.code, outcome.stderr).toBe(code)
  }

  /** The end that every user has: what is left is archived, and the oracle is content. */
  async function expectNothingLost(): Promise<void> {
    // In another group: in its own it would wait for the end of a lease.
    await ended(start('consume', '--once', '--group', 'another'), 0)
    await expectExactlyOnce(loadConfig({}, env).config, ledgers())
  }

  const endings = [
    ['SIGINT', 0],
    ['SIGTERM', 143],
    ['SIGTERM', 0],
    ['SIGINT', 130],
  ] as const

  it.each(endings.slice(0, LONG ? 4 : 2))(
    '%s: everybody ends with 0, or at a second one with %i',
    async (signal, code) => {
      const dashboard = start('dashboard')
      const produce = start('produce', '--rate', '2k/s', '--ledger', place.path('ledger'))
      const consume = start('consume', '-m', 'batch', '-b', '20', '--max-wait', '0.2')
      await dashboard.until(({ stdout, stderr }) => /the dashboard is at/.test(stdout + stderr))
      await consume.until(({ stderr }) => /events? committed/.test(stderr))
      consume.stop(signal)
      if (code > 0) {
        await consume.until(({ stderr }) => /stopping/.test(stderr))
        // Sooner it would pass for the same Ctrl-C.
        await sleep(300)
        consume.stop(signal)
      }
      // It may have come to its end between the two.
      const { code: consumed, stderr } = await consume.end()
      expect([0, code], stderr).toContain(consumed)
      for (const command of [produce, dashboard]) {
        command.stop(signal)
        await ended(command, 0)
      }
      await expectNothingLost()
    },
    TIMEOUT_MS,
  )

  it.each((['SIGTERM', 'SIGINT'] as const).slice(0, LONG ? 2 : 1))(
    'start on %s: what it has produced is archived',
    async (signal) => {
      const all = start('start')
      await all.until(({ stdout, stderr }) => /the page is at/.test(stdout + stderr))
      all.stop(signal)
      await ended(all, 0)
      const { code, stdout } = await start('verify', '--deep').end()
      expect(code, stdout).toBe(0)
    },
    TIMEOUT_MS,
  )
})
