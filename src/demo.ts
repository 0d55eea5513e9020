/**
 * The whole flow, shown and explained step by step in under a minute, with an archiver that is killed on the way.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { archive } from './archive/archiver.ts'
import { REALTIME } from './archive/batch.ts'
import { isArchived, lastBatch } from './archive/head.ts'
import { lakeRoot } from './archive/layout.ts'
import { Generator } from './generate/generator.ts'
import { produce } from './generate/produce.ts'
import type { LakeStorage } from './lake/storage.ts'
import { verify } from './lake/verify.ts'
import type { EventLog } from './log/log.ts'
import { pause } from './retry.ts'
import { spawnSelf } from './self.ts'
import type { Config } from './settings.ts'
import { LakeFollower } from './stats/follower.ts'

export interface DemoOptions {
  config: Config
  log: EventLog
  lake: LakeStorage
  signal: AbortSignal
  /** A step begins: its number and title. */
  onStep: (number: number, title: string) => void
  /** A line of explanation or of what was seen. */
  onLine: (line: string) => void
}

export interface DemoVerdict {
  ok: boolean
  /** By this demo. */
  produced: number
  /** In the lake, over all its time, as are the next three. */
  events: number
  users: number
  artists: number
  tracks: number
  problems: string[]
}

const EVENTS = 2_000
const PER_SECOND = 400
/** Late enough for the archiver to be in the middle of its work. */
const KILL_AFTER_MS = 3_000
/** How long other archivers of the same group, such as that of "start", may take to commit what they hold. */
const OTHERS_MS = 15_000
const POLL_MS = 100
const FILES_SHOWN = 4

/** @throws the errors of the stages; the signal's reason when it aborts */
export async function runDemo(options: DemoOptions): Promise<DemoVerdict> {
  const { config, log, lake, signal, onStep, onLine } = options
  const root = lakeRoot(config.topic)
  await log.ensureTopic()
  const generator = new Generator({ seed: Date.now() % 4_294_967_296 })

  onStep(1, 'Listeners make events')
  onLine('Each is one small JSON message, such as:')
  onLine(`  ${Buffer.from(generator.nextMessage(Date.now(), 0).value).toString()}`)

  onStep(2, `${EVENTS} of them go to ${logText(config)}, and an archiver takes them to ${lakeText(config, root)}`)
  const archiver = spawnSelf(config, ['consume', '-m', 'realtime'])
  const ended = once(archiver, 'exit')
  try {
    const producing = produce({ log, generator, count: EVENTS, perSecond: PER_SECOND, signal })
    // A log that refuses an append ends the demo at once, and with it the archiver.
    await Promise.race([producing, sleep(KILL_AFTER_MS, undefined, { signal })])
    signal.throwIfAborted()
    onStep(3, `The archiver (process ${archiver.pid}) is killed with -9, in the middle of its work`)
    archiver.kill('SIGKILL')
    await ended
    onLine(
      'What it had read but not committed is not in the lake; its half-written files are in _staging, where no reader looks.',
    )
    const { acknowledged } = await producing
    signal.throwIfAborted()
    onLine(`Meanwhile all ${acknowledged} events have reached the log.`)

    onStep(4, 'Another archiver takes over')
    onLine(
      'It claims each partition in the commit log, finishes what was committed, and reads on from there. That can take',
    )
    onLine('ten seconds: only after those does the group give up the dead one.')
    const summary = await archive({
      log,
      lake,
      root,
      signal,
      group: config.group,
      limits: REALTIME,
      once: true,
      acceptGap: false,
    })
    signal.throwIfAborted()
    onLine(`It archived the ${summary.events} events that were left, in ${summary.commits} commits.`)
    return await judge(options, root, acknowledged)
  } finally {
    archiver.kill('SIGKILL')
    await ended
  }
}

async function judge(options: DemoOptions, root: string, produced: number): Promise<DemoVerdict> {
  const { log, lake, onStep, onLine } = options
  onStep(5, 'The lake is checked: every offset once, every file whole')
  const { topicId, partitions } = await log.describe()
  await untilArchived(options, root, topicId, partitions)
  const report = await verify({ lake, root, deep: true })
  for (const path of await newestFiles(lake, root, topicId, partitions.size)) onLine(`  ${path}`)
  const problems = report.problems.map(({ path, detail }) => `${path}: ${detail}`)
  for (const [partition, { end }] of partitions) {
    const archived =
      report.partitions.find((held) => held.topicId === topicId && held.partition === partition)?.next ?? 0
    if (archived < end) problems.push(`partition ${partition}: ${end - archived} messages of the log are not archived`)
  }
  onLine(`verify --deep: ${problems[0] ?? 'nothing missing, nothing twice, nothing damaged'}`)

  onStep(6, 'The totals come from the commit records alone: no event is read again')
  const follower = new LakeFollower({ lake, root })
  await follower.refresh()
  const { events, distinct } = follower.totals.snapshot()
  const [users, artists, tracks] = [distinct.users.count, distinct.artists.count, distinct.tracks.count]
  onLine(`${events} events of ${users} users, ${artists} artists, ${tracks} tracks`)
  return { ok: problems.length === 0, produced, events, users, artists, tracks, problems }
}

/** Waits until the lake holds all before the ends in `partitions`, whoever archives it, but not for long. */
async function untilArchived(
  { lake, signal }: DemoOptions,
  root: string,
  topicId: string,
  partitions: ReadonlyMap<number, { end: number }>,
): Promise<void> {
  const until = performance.now() + OTHERS_MS
  for (const [partition, { end }] of partitions) {
    while (end > 0 && performance.now() < until && !(await isArchived(lake, root, topicId, partition, end))) {
      await pause(POLL_MS, signal)
    }
  }
}

/** The data files of the newest batches: one for each partition, as the commit log names them. */
async function newestFiles(lake: LakeStorage, root: string, topicId: string, partitions: number): Promise<string[]> {
  const paths: string[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const last = await lastBatch(lake, root, topicId, partition)
    for (const { path, day } of last?.files ?? []) if (day !== null) paths.push(path)
  }
  return paths.slice(0, FILES_SHOWN)
}

function logText(config: Config): string {
  return config.profile === 'embedded'
    ? `the log (${config.dataDir}/log.sqlite)`
    : `Kafka (topic ${config.topic} at ${config.kafkaBrokers.join(', ')})`
}

function lakeText(config: Config, root: string): string {
  return config.profile === 'embedded'
    ? `the lake (${config.dataDir}/lake${root})`
    : `HDFS (${root} at ${config.hdfsNamenodes.join(', ')})`
}
