/** What can happen to the files of a lake, and lakes for it to happen to. */
import { randomUUID } from 'node:crypto'
import { type ArchiveEvent, archive } from '../src/archive/archiver.ts'
import { lakeRoot, partitionCommits, quarantineFolder, recordName } from '../src/archive/layout.ts'
import { PartitionArchiver } from '../src/archive/partition.ts'
import { type BatchRecord, type CommitRecord, decodeRecord } from '../src/archive/record.ts'
import { systemClock } from '../src/clock.ts'
import { loadConfig } from '../src/config.ts'
import { encode, formatTimestamp } from '../src/event.ts'
import { type RepairOptions, type RepairReport, repair } from '../src/lake/repair.ts'
import type { LakeStorage } from '../src/lake/storage.ts'
import type { ProblemKind } from '../src/lake/verify.ts'
import type { EventLog } from '../src/log/log.ts'
import { openLake, openLog } from '../src/profiles.ts'
import { filesBelow } from '../test/archive/lake-contents.ts'
import { Workplace } from '../test/cli/music-faker.ts'
import { openMemoryLake } from '../test/lake/memory.ts'
import { MemoryTopic } from '../test/log/memory.ts'

const T0 = Date.UTC(2025, 6, 3, 18)
const HOUR_MS = 3_600_000
const LIMITS = { messages: 4, bytes: 1e9, ageMs: 60_000 }

export interface Damage {
  name: string
  /** Does it, and says what `verify --deep` has to name. */
  do: (site: Site) => Promise<[ProblemKind, string][]>
  /** What the archiver of this lake says, where it must not go on. */
  refused?: 'COMMIT_CORRUPT' | 'COMMIT_UNKNOWN_FORMAT'
  /** What `repair` must leave as it is; `undo` then mends it. */
  undo?: (site: Site) => Promise<void>
  /** No archiver can see it: one that goes on before the repair archives again what the lost records had told of. */
  unseen?: true
  /** Tried in every profile also in the short form. */
  short?: true
}

/** A lake and the log that it was archived from. */
export class Site {
  readonly root: string
  readonly log: EventLog
  readonly lake: LakeStorage
  readonly #place: Workplace | undefined
  topicId = ''
  #made = 0
  #saved = { path: '', bytes: Buffer.alloc(0) }

  private constructor(log: EventLog, lake: LakeStorage, place?: Workplace) {
    this.#place = place
    this.log = log
    this.lake = lake
    this.root = lakeRoot(log.topic)
  }

  /** In memory: exact to the ports, and fast. */
  static async inMemory(): Promise<Site> {
    return new Site(new MemoryTopic('t').open(2), openMemoryLake()).fill()
  }

  static async open(settings: Record<string, string>): Promise<Site> {
    const place = await Workplace.create()
    const topic = `damaged_${randomUUID()}`
    const env = { ...settings, MF_TOPIC: topic, MF_PARTITIONS: '2', MF_DATA_DIR: place.path('data') }
    const { config } = loadConfig({}, env)
    return new Site(await openLog(config), await openLake(config), place).fill()
  }

  private async fill(): Promise<Site> {
    await this.log.ensureTopic()
    this.topicId = (await this.log.describe()).topicId
    // Twice, so that there is a claim in the middle.
    for (let i = 0; i < 2; i++) {
      await this.append(24)
      await this.archivePartitions()
    }
    return this
  }

  async close(): Promise<void> {
    await this.log.close()
    await this.lake.close()
    await this.#place?.remove()
  }

  /** Messages for both partitions, of several days, one in three no event. */
  async append(count: number): Promise<void> {
    const messages = Array.from({ length: count }, () => {
      const n = this.#made++
      const timestamp = T0 + (n % 5) * HOUR_MS * 5
      const user = `user${n}`
      const fields = { user, artist: 'Carol Moore', track: 'Nights', genre: 'Jazz', duration: 146 }
      const where = { platform: 'Spotify', device: 'Desktop', action: 'like', country: 'FR' }
      const value = encode({ ...fields, ...where, timestamp: formatTimestamp(timestamp, n) })
      return { key: user, value: n % 3 === 1 ? Buffer.from(`{broken ${n}`) : value }
    })
    await this.log.append(messages)
  }

  async archive(): Promise<ArchiveEvent[]> {
    const seen: ArchiveEvent[] = []
    await archive({
      ...{ log: this.log, lake: this.lake, root: this.root },
      group: randomUUID(),
      limits: LIMITS,
      once: true,
      acceptGap: false,
      signal: new AbortController().signal,
      report: (event) => seen.push(event),
    })
    return seen
  }

  /** The same without a group, and its waits. */
  async archivePartitions(): Promise<void> {
    const { topicId, partitions } = await this.log.describe()
    const never = new AbortController().signal
    const runs = [...partitions].map(([partition, { end }]) =>
      new PartitionArchiver({
        ...{ log: this.log, lake: this.lake, root: this.root, limits: LIMITS },
        assignment: { topicId, partition, revoked: never, commit: async () => {} },
        ...{ owner: randomUUID(), readBytes: () => 1_000_000, clock: systemClock, acceptGap: false, target: end },
        ...{ stop: never, abandon: never, report: () => undefined },
      }).run(),
    )
    for (const run of await Promise.allSettled(runs)) if (run.status === 'rejected') throw run.reason
  }

  repair(options: Partial<RepairOptions> = {}): Promise<RepairReport> {
    return repair({ log: this.log, lake: this.lake, root: this.root, deep: true, ...options })
  }

  record(seq: number, partition = 0): string {
    return `${partitionCommits(this.root, this.topicId, partition)}/${recordName(seq)}`
  }

  async records(partition = 0): Promise<CommitRecord[]> {
    const records: CommitRecord[] = []
    for await (const { path } of this.lake.list(partitionCommits(this.root, this.topicId, partition))) {
      records.push(decodeRecord(await this.lake.read(path), path))
    }
    return records
  }

  /** Batches that have files of events and, if asked for, a quarantine. */
  async batches(withQuarantine = false): Promise<BatchRecord[]> {
    const batches = (await this.records()).filter((record) => record.kind === 'batch')
    return batches.filter(({ files }) => files.some(({ day }) => day === null) || !withQuarantine)
  }

  async claims(): Promise<CommitRecord[]> {
    return (await this.records()).filter((record) => record.kind === 'claim')
  }

  async damage(path: string, change: (bytes: Buffer) => Uint8Array): Promise<void> {
    this.#saved = { path, bytes: Buffer.from(await this.lake.read(path)) }
    await this.lake.remove(path)
    await this.lake.write(path, change(Buffer.from(this.#saved.bytes)))
  }

  /** Undoes the last `damage`. */
  async undo(): Promise<void> {
    await this.lake.remove(this.#saved.path)
    await this.lake.write(this.#saved.path, this.#saved.bytes)
  }

  async copy(from: string, to: string): Promise<void> {
    await this.lake.write(to, await this.lake.read(from))
  }

  async snapshot(): Promise<string[]> {
    const all: string[] = []
    for await (const { path, bytes } of filesBelow(this.lake, this.root)) all.push(`${path} ${bytes}`)
    return all.sort()
  }
}

export const flipped = (bytes: Buffer) => {
  bytes[bytes.length >> 1]! ^= 1
  return bytes
}
const half = (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)
export const eventsOf = (batch: BatchRecord) => batch.files.filter(({ day }) => day !== null)
const quarantineOf = (batch: BatchRecord) => batch.files.find(({ day }) => day === null)!
const strays = (batch: BatchRecord): [ProblemKind, string][] => batch.files.map(({ path }) => ['file_stray', path])

export const FILES: Damage[] = [
  {
    name: 'a file deleted',
    short: true,
    do: async (site) => {
      const { path } = eventsOf((await site.batches())[1]!)[0]!
      await site.lake.remove(path)
      return [['file_missing', path]]
    },
  },
  {
    name: 'a file truncated',
    do: async (site) => {
      const { path } = eventsOf((await site.batches())[2]!)[0]!
      await site.damage(path, half)
      return [['file_length', path]]
    },
  },
  {
    name: 'one bit of a file flipped',
    do: async (site) => {
      const { path } = eventsOf((await site.batches()).at(-1)!)[0]!
      await site.damage(path, flipped)
      return [['file_checksum', path]]
    },
  },
  {
    name: 'one bit of a quarantine file flipped',
    do: async (site) => {
      const { path } = quarantineOf((await site.batches(true))[0]!)
      await site.damage(path, flipped)
      return [['file_checksum', path]]
    },
  },
  {
    name: 'all files of a batch deleted',
    do: async (site) => {
      const { files } = (await site.batches(true))[1]!
      for (const { path } of files) await site.lake.remove(path)
      return files.map(({ path }) => ['file_missing', path])
    },
  },
  {
    name: 'a file copied, beside itself and to another day',
    do: async (site) => {
      const { path } = eventsOf((await site.batches())[0]!)[0]!
      const copies = [path.replace('.jsonl', ' (1).jsonl'), path.replace('month=07', 'month=08')]
      for (const copy of copies) await site.copy(path, copy)
      return copies.map((copy) => ['file_stray', copy])
    },
  },
  {
    name: 'files added',
    do: async (site) => {
      const added = [`${site.root}/notes.txt`, `${quarantineFolder(site.root)}/day=2025-07-03/x`]
      for (const path of added) await site.lake.write(path, Buffer.from('x'))
      return added.map((path) => ['file_stray', path])
    },
  },
  {
    name: 'a file of an earlier batch never published',
    do: async (site) => {
      const { path, staged } = eventsOf((await site.batches())[1]!)[0]!
      await site.lake.rename(path, staged)
      return [['file_unpublished', path]]
    },
  },
  {
    name: 'a file never published, and damaged where it waits',
    do: async (site) => {
      const { path, staged } = eventsOf((await site.batches())[1]!)[0]!
      await site.lake.rename(path, staged)
      await site.damage(staged, flipped)
      return [['file_unpublished', path]]
    },
  },
  {
    name: 'the last batch not published yet: no problem, but for readers',
    do: async (site) => {
      for (const { path, staged } of (await site.batches()).at(-1)!.files) await site.lake.rename(path, staged)
      return []
    },
  },
]

export const RECORDS: Damage[] = [
  {
    name: 'the first record deleted',
    do: async (site) => {
      await site.lake.remove(site.record(1))
      return [['record_missing', site.record(1)]]
    },
  },
  {
    name: 'the record of a batch deleted',
    short: true,
    do: async (site) => {
      const batch = (await site.batches(true))[1]!
      await site.lake.remove(site.record(batch.seq))
      return [['record_missing', site.record(batch.seq)], ...strays(batch)]
    },
  },
  {
    name: 'one bit of the record of a batch flipped',
    do: async (site) => {
      const batch = (await site.batches(true))[0]!
      await site.damage(site.record(batch.seq), flipped)
      return [['record_corrupt', site.record(batch.seq)], ...strays(batch)]
    },
  },
  {
    name: 'a record deleted, and one of its files',
    do: async (site) => {
      const batch = (await site.batches(true))[1]!
      await site.lake.remove(site.record(batch.seq))
      await site.lake.remove(batch.files[0]!.path)
      return [['record_missing', site.record(batch.seq)], ...strays(batch).slice(1)]
    },
  },
  {
    name: 'a claim truncated',
    do: async (site) => {
      const { seq } = (await site.claims())[1]!
      await site.damage(site.record(seq), half)
      return [['record_corrupt', site.record(seq)]]
    },
  },
  {
    name: 'three records beside each other deleted, a claim among them',
    do: async (site) => {
      const { seq } = (await site.claims())[1]!
      const lost = (await site.records()).filter((record) => Math.abs(record.seq - seq) <= 1)
      for (const record of lost) await site.lake.remove(site.record(record.seq))
      const batches = lost.filter((record) => record.kind === 'batch')
      return [
        ...lost.map((record): [ProblemKind, string] => ['record_missing', site.record(record.seq)]),
        ...batches.flatMap(strays),
      ]
    },
  },
  {
    name: 'other things among the records',
    do: async (site) => {
      const path = `${partitionCommits(site.root, site.topicId, 0)}/notes.txt`
      await site.lake.write(path, Buffer.from('x'))
      return [['entry_unknown', path]]
    },
  },
]

export const HEADS: Damage[] = [
  {
    name: 'one bit of a head flipped, a claim',
    refused: 'COMMIT_CORRUPT',
    do: async (site) => {
      // An archiver that has nothing to do leaves its claim.
      await site.archivePartitions()
      const { seq } = (await site.records()).at(-1)!
      await site.damage(site.record(seq), flipped)
      return [['record_corrupt', site.record(seq)]]
    },
  },
  {
    name: 'one bit of a head flipped, a batch',
    refused: 'COMMIT_CORRUPT',
    short: true,
    do: async (site) => {
      await site.append(6)
      await site.archivePartitions()
      const batch = (await site.batches()).at(-1)!
      await site.damage(site.record(batch.seq), flipped)
      return [['record_corrupt', site.record(batch.seq)], ...strays(batch)]
    },
  },
  {
    name: 'a head flipped whose batch was never published',
    refused: 'COMMIT_CORRUPT',
    do: async (site) => {
      await site.append(6)
      await site.archivePartitions()
      const batch = (await site.batches()).at(-1)!
      for (const { path, staged } of batch.files) await site.lake.rename(path, staged)
      await site.damage(site.record(batch.seq), flipped)
      return [['record_corrupt', site.record(batch.seq)]]
    },
  },
  {
    name: 'the last two records deleted, both batches',
    unseen: true,
    do: async (site) => {
      await site.append(16)
      await site.archivePartitions()
      const lost = (await site.batches()).slice(-2)
      for (const { seq } of lost) await site.lake.remove(site.record(seq))
      return lost.flatMap(strays)
    },
  },
  {
    name: "another partition's record in the place of the next",
    refused: 'COMMIT_CORRUPT',
    do: async (site) => {
      const seq = (await site.records()).at(-1)!.seq + 1
      await site.copy(site.record(1, 1), site.record(seq))
      return [['record_misplaced', site.record(seq)]]
    },
  },
  {
    name: 'a head of a version to come',
    refused: 'COMMIT_UNKNOWN_FORMAT',
    do: async (site) => {
      const { seq } = (await site.records()).at(-1)!
      await site.damage(site.record(seq), () => Buffer.from('{"format":99,"kind":"batch"}\n'))
      return [['record_unknown_format', site.record(seq)]]
    },
    undo: (site) => site.undo(),
  },
]
