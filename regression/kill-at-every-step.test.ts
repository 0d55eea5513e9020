/**
 * Guarantee: an archiver may die before, amid or after any change that it makes to the lake, and the one that takes over
 * may die in the same way: the next that lives leaves every message in the lake once.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { link, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { archive } from '../src/archive/archiver.ts'
import { PartitionArchiver } from '../src/archive/partition.ts'
import { systemClock } from '../src/clock.ts'
import { loadConfig } from '../src/config.ts'
import { encode, formatTimestamp } from '../src/event.ts'
import { openLocalLake } from '../src/lake/local.ts'
import type { LakeEntry, LakeStorage } from '../src/lake/storage.ts'
import { verify } from '../src/lake/verify.ts'
import type { EventLog } from '../src/log/log.ts'
import { openSqliteLog } from '../src/log/sqlite.ts'
import { openLake } from '../src/profiles.ts'
import { openMemoryLake } from '../test/lake/memory.ts'
import { FOLD_EVERY, LEASE_MS, LIMITS, ROOT, TOPIC } from './dying-archiver.ts'
import { dyingLake, STEPS, type Step, tornCalls, WAYS, type Way } from './dying-lake.ts'
import { LONG } from './form.ts'
import { expectLakeHoldsLog } from './lake-holds-log.ts'

const PROGRAM = fileURLToPath(new URL('dying-archiver.ts', import.meta.url))
/** Two batches, of two days and the quarantine in the first. */
const MESSAGES = 5
const T0 = Date.UTC(2025, 6, 3, 23)
const HOUR_MS = 3_600_000
/** The short form takes every tenth of the deaths that somebody's takeover follows: each way comes up, as there are three. */
const STRIDE = LONG ? 1 : 10
/** Who has this much to do makes no fewer changes: with fewer nothing was tried. */
const FEWEST_STEPS = 15
/** The claim's record is written, then renamed. */
const CLAIM_STEP = 2

const MOST_PASSES = 5

/** What the first owner of a lake never does: there is nothing to remove yet. */
const FROM_NOTHING: Step[] = ['leftovers swept', 'folded records removed']

const services = inject('services')
const children = new Set<ChildProcess>()
let folder: string
let log: EventLog
let lakes = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-steps-'))
  log = await openSqliteLog({ file: join(folder, 'log'), topic: TOPIC, partitions: 1, leaseMs: LEASE_MS })
  await log.ensureTopic()
  await log.append(Array.from({ length: MESSAGES }, (_, n) => message(n)))
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await log.close()
  await rm(folder, { recursive: true, force: true })
})

function message(n: number) {
  const timestamp = T0 + n * HOUR_MS
  const value = encode({
    ...{
      user: 'eric04',
      artist: 'Carol Moore',
      track: `Track ${n}`,
      timestamp: formatTimestamp(timestamp),
      genre: 'Jazz',
    },
    ...{ duration: 146, platform: 'Spotify', device: 'Desktop', action: 'like', country: 'FR' },
  })
  return { key: 'eric04', value: n === 2 ? Buffer.from('{broken') : value }
}

/** A lake in a folder of its own, and what a rename in it leaves that is cut short. */
function localLake() {
  const at = join(folder, `lake${++lakes}`)
  const half = async (from: string, to: string) => {
    await mkdir(dirname(join(at, to)), { recursive: true })
    await link(join(at, from), join(at, to)).catch(() => undefined)
  }
  return { folder: at, lake: openLocalLake({ folder: at }), half }
}

/** Archives the log's one partition as an owner of its own. */
async function run(lake: LakeStorage, abandon: AbortSignal): Promise<void> {
  const { topicId } = await log.describe()
  await new PartitionArchiver({
    ...{ log, lake, root: ROOT, limits: LIMITS, foldEvery: FOLD_EVERY, abandon },
    assignment: { topicId, partition: 0, revoked: abandon, commit: async () => {} },
    owner: `owner ${Math.random()}`,
    readBytes: () => 1_000_000,
    clock: systemClock,
    acceptGap: false,
    target: MESSAGES,
    stop: new AbortController().signal,
    report: () => undefined,
  }).run()
}

/** The step at which it died, or undefined when it came to its end. */
async function runAndDie(lake: LakeStorage, step: number, way: Way, half = tornCalls(lake)) {
  const over = new AbortController()
  const dead = Promise.withResolvers<void>()
  const dying = dyingLake(lake, {
    step,
    way,
    half,
    die: (begun) => Promise.allSettled([begun]).then(() => dead.resolve()),
  })
  await Promise.race([run(dying.lake, over.signal), dead.promise])
  over.abort()
  return dying.diedAt
}

const alive = () => new AbortController().signal

/** The lake holds every message once; and no leftovers, once the next claim has swept what older ones left. */
async function expectArchived(lake: LakeStorage, what: string): Promise<void> {
  await expectLakeHoldsLog(log, lake, ROOT, what)
  await run(lake, alive())
  const { staged } = await verify({ lake, root: ROOT })
  expect(staged, `${what}, staging`).toEqual({ files: 0, bytes: 0 })
}

/** All offsets may be committed by now, with files that still wait to be published: it must not end before they are. */
async function archiveOnce(lake: LakeStorage, group: string): Promise<void> {
  const limits = { limits: LIMITS, foldEvery: FOLD_EVERY }
  await archive({ ...limits, log, lake, group, root: ROOT, once: true, acceptGap: false, signal: alive() })
}

/** Each step in each way, or each `stride`-th of those, until a run lives through; resolves with the steps that were tried, by name and way. */
async function everyStep(
  attempt: (step: number, way: Way) => Promise<Step | undefined>,
  stride = 1,
): Promise<string[]> {
  const tried: string[] = []
  for (let n = 0; ; n += stride) {
    const [step, way] = nth(n)
    const diedAt = await attempt(step, way)
    if (diedAt === undefined) return tried
    tried.push(`${way}: ${diedAt}`)
  }
}

/** The deaths in order: before, amid and after the first change, then the second, and so on. */
function nth(n: number): [step: number, way: Way] {
  return [1 + Math.floor(n / WAYS.length), WAYS[n % WAYS.length]!]
}

/** Each step was tried in each way. */
function expectEveryStep(tried: readonly string[], without: readonly Step[] = []): void {
  expect(tried).toEqual(expect.arrayContaining(everyDeath(without)))
}

function everyDeath(without: readonly Step[]): string[] {
  const steps = STEPS.filter((step) => !without.includes(step))
  return steps.flatMap((step) => WAYS.map((way) => `${way}: ${step}`))
}

/**
 * As `everyStep`, of the first owner of a lake, until each step was tried in each way: it folds beside archiving, so the order
 * of its changes is not quite the same each time.
 */
async function everyFirstStep(attempt: (step: number, way: Way) => Promise<Step | undefined>): Promise<string[]> {
  const tried: string[] = []
  for (let passes = 0; passes < MOST_PASSES; passes++) {
    tried.push(...(await everyStep(attempt)))
    if (everyDeath(FROM_NOTHING).every((death) => tried.includes(death))) break
  }
  expectEveryStep(tried, FROM_NOTHING)
  return tried
}

it('dies at every step, on a lake in a folder', async () => {
  const steps = await everyFirstStep(async (step, way) => {
    const { lake, half } = localLake()
    const diedIn = await runAndDie(lake, step, way, tornCalls(lake, half))
    await archiveOnce(lake, `folder ${step} ${way}`)
    await expectLakeHoldsLog(log, lake, ROOT, `killed ${way} change ${step} (${diedIn})`)
    return diedIn
  })
  const renames = steps.filter((step) => step === 'after: file published')
  expect(renames.length, 'between the renames of a batch').toBeGreaterThan(2)
}, 600_000)

it.skipIf(!LONG || 'skipped' in services)(
  'dies at every step, on HDFS',
  async () => {
    const settings = {
      MF_PROFILE: 'cluster',
      MF_HDFS_NAMENODES: 'skipped' in services ? '' : services.hdfs.namenodes.join(','),
    }
    const hdfs = await openLake(loadConfig({}, settings).config)
    const within = `/steps-${randomUUID()}`
    await everyFirstStep(async (step, way) => {
      const lake = below(hdfs, `${within}/${++lakes}`)
      const diedAt = await runAndDie(lake, step, way)
      await run(lake, alive())
      await expectArchived(lake, `killed ${way} change ${step} (${diedAt}), on HDFS`)
      return diedAt
    })
    await hdfs.remove(within)
    await hdfs.close()
  },
  600_000,
)

/** A folder of a lake as a lake of its own. */
function below(lake: LakeStorage, folder: string): LakeStorage {
  const inside = (entry: LakeEntry) => ({ ...entry, path: entry.path.slice(folder.length) })
  return {
    write: (path, body) => lake.write(folder + path, body),
    rename: (from, to) => lake.rename(folder + from, folder + to),
    read: (path) => lake.read(folder + path),
    stream: (path) => lake.stream(folder + path),
    stat: async (path) => {
      const entry = await lake.stat(folder + path)
      return entry && inside(entry)
    },
    async *list(path, options) {
      for await (const entry of lake.list(folder + path, options)) yield inside(entry)
    },
    remove: (path) => lake.remove(folder + path),
    close: async () => {},
  }
}

it('dies at every step, and who takes over at each of its own', async () => {
  const pairs: string[] = []
  await everyStep(async (step, way) => {
    let diedIn: Step | undefined
    const then = await everyStep(async (then, thenWay) => {
      const lake = openMemoryLake()
      diedIn = await runAndDie(lake, step, way)
      const thenDiedIn = await runAndDie(lake, then, thenWay)
      // Claims that led to nothing may be many.
      await runAndDie(lake, CLAIM_STEP, 'after')
      await run(lake, alive())
      const what = `killed ${way} change ${step} (${diedIn}), then ${thenWay} change ${then} (${thenDiedIn})`
      await expectArchived(lake, what)
      return thenDiedIn
    })
    pairs.push(...then)
    return diedIn
  }, STRIDE)
  expectEveryStep(pairs)
  expect(pairs.length).toBeGreaterThanOrEqual(FEWEST_STEPS ** 2 / STRIDE)
}, 600_000)

it('is killed with SIGKILL at every step, and so is who takes over', async () => {
  let chains = 0
  const next = async () => {
    while (await killTwice(STRIDE * chains++));
  }
  await Promise.all([next(), next()])
  expect(STRIDE * chains).toBeGreaterThanOrEqual(FEWEST_STEPS * WAYS.length)
}, 600_000)

/** Resolves false when the first process came to its end before. */
async function killTwice(chain: number): Promise<boolean> {
  const { folder: at, lake } = localLake()
  const group = `g${chain}`
  const [step, way] = nth(chain)
  // Another order than the first one's, so that the pairs differ.
  const then = 1 + ((chain * 7) % FEWEST_STEPS)
  const thenWay = WAYS[(chain + step) % WAYS.length]!
  const killed = await runProcess(at, group, step, way)
  if (killed) await runProcess(at, group, then, thenWay)
  await archiveOnce(lake, group)
  await expectLakeHoldsLog(log, lake, ROOT, `killed ${way} change ${step}, then ${thenWay} change ${then}`)
  return killed
}

/** Whether it was killed. */
async function runProcess(lakeFolder: string, group: string, step: number, way: Way): Promise<boolean> {
  const args = [PROGRAM, join(folder, 'log'), lakeFolder, group, String(step), way]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  children.add(child)
  const [code, signal] = await once(child, 'exit')
  children.delete(child)
  expect([0, 'SIGKILL']).toContain(code ?? signal)
  return signal === 'SIGKILL'
}
