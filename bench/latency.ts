/**
 * How long after it was produced an event is committed and can be read in the lake, at 1,000 events a second in realtime
 * mode: on real services, and embedded. And how long until the page shows it (of the events it samples).
 *
 * An event's timestamp is the moment it was due, so what the producer and the log take is counted too.
 */
import { once } from 'node:events'
import { type ArchiveEvent, archive } from '../src/archive/archiver.ts'
import { REALTIME } from '../src/archive/batch.ts'
import { lakeRoot } from '../src/archive/layout.ts'
import { parseTimestamp } from '../src/event.ts'
import type { EventLog } from '../src/log/log.ts'
import { command } from './child.ts'
import { pageStream } from './page-stream.ts'
import { atMost, type BenchResult, type Figure, measureEach, milliseconds, percentile } from './result.ts'
import { type BenchSite, withClusterSite, withEmbeddedSite } from './site.ts'

const RATE = 1_000
const SECONDS = { cluster: 60, embedded: 15 }
/** The first second finds cold code and a group that is being joined. */
const SETTLED_S = 2
const READ_BYTES = 1_048_576

interface Commit {
  partition: number
  next: number
  at: number
}

export async function run(): Promise<BenchResult> {
  return measureEach({
    cluster: async () => {
      const { committed, shown } = await withClusterSite({ topic: 'bench-latency' }, (site) =>
        measure(site, SECONDS.cluster),
      )
      return [
        ...figures('produced to committed in HDFS', committed, { p50: 350, p99: 1_000 }),
        ...figures('produced to shown on the page', shown, { p99: 300 }),
      ]
    },
    embedded: async () => {
      const { committed } = await withEmbeddedSite((site) => measure(site, SECONDS.embedded))
      return figures('produced to committed, embedded', committed, { p99: 500 })
    },
  })
}

function figures(name: string, latencies: number[], targets: { p50?: number; p99: number }): Figure[] {
  const sorted = Float64Array.from(latencies).sort()
  const at = (share: number) => Math.round(percentile(sorted, share))
  return [
    milliseconds({ name: `${name}, p50`, figure: at(0.5), ...(targets.p50 && { target: atMost(targets.p50) }) }),
    milliseconds({ name: `${name}, p99`, figure: at(0.99), target: atMost(targets.p99) }),
  ]
}

async function measure({ config, log, lake }: BenchSite, seconds: number) {
  const root = lakeRoot(config.topic)
  await lake.remove(root)
  const begins = await log.describe()
  const commits: Commit[] = []
  const report = (event: ArchiveEvent) => {
    if (event.kind === 'committed')
      commits.push({ partition: event.partition, next: event.record.next, at: Date.now() })
  }
  const stop = new AbortController()
  const archiving = archive({
    ...{ log, lake, root, report, limits: REALTIME, group: `latency-${Date.now()}` },
    ...{ once: false, acceptGap: false, signal: stop.signal },
  })
  const page = await watchPage({ ...config, port: 20_000 + (process.pid % 10_000) })
  const count = RATE * seconds
  await command(config, ['produce', '-n', String(count), '--rate', `${RATE}/s`, '--quiet']).ended
  const ends = await log.describe()
  const isDone = () =>
    [...ends.partitions].every(([partition, { end }]) =>
      commits.some((c) => c.partition === partition && c.next >= end),
    )
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 50))
  stop.abort()
  await archiving
  const shown = await page.stop()
  const committed: number[] = []
  for (const [partition, { end }] of ends.partitions) {
    const times = await timesOf(log, ends.topicId, partition, begins.partitions.get(partition)!.end, end)
    const own = commits.filter((commit) => commit.partition === partition)
    for (const { offset, at } of times.slice(Math.round((SETTLED_S * RATE) / ends.partitions.size))) {
      committed.push(own.find(({ next }) => next > offset)!.at - at)
    }
  }
  return { committed, shown }
}

/** When each message of `[from, end)` was due. */
async function timesOf(log: EventLog, topicId: string, partition: number, from: number, end: number) {
  const times: { offset: number; at: number }[] = []
  const reader = log.open({ topicId, partition, from })
  for (let next = from; next < end; ) {
    const batch = await reader.read({ maxBytes: READ_BYTES, maxWaitMs: 1_000 })
    for (let i = 0; i < batch.count; i++) {
      const { timestamp } = JSON.parse(Buffer.from(batch.data.subarray(batch.starts[i], batch.ends[i])).toString())
      times.push({ offset: batch.first + batch.offsetDeltas[i]!, at: timeOf(timestamp) })
    }
    next = batch.next
  }
  await reader.close()
  return times
}

function timeOf(timestamp: string): number {
  return parseTimestamp(timestamp)! + Number(timestamp.slice(20, 23))
}

/** Reads the page's live stream, and notes how old each row is when it comes. */
async function watchPage(config: BenchSite['config']) {
  const dashboard = command(config, ['dashboard', '--json', '--quiet'])
  await once(dashboard.child.stdout!, 'readable')
  const stop = new AbortController()
  const shown: { due: number; age: number }[] = []
  const seen = new Set<string>()
  const reading = (async () => {
    for await (const { kind, rows } of pageStream(config.port, stop.signal)) {
      const now = Date.now()
      for (const row of rows) {
        const key = JSON.stringify(row)
        const due = timeOf(row.timestamp)
        if (!seen.has(key) && kind === 'delta') shown.push({ due, age: now - due })
        seen.add(key)
      }
    }
  })().catch(() => undefined)
  return {
    async stop() {
      stop.abort()
      await reading
      dashboard.child.kill('SIGINT')
      await dashboard.ended
      const settled = Math.min(...shown.map(({ due }) => due)) + SETTLED_S * 1_000
      return shown.filter(({ due }) => due >= settled).map(({ age }) => age)
    },
  }
}
