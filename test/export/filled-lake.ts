/** A lake that a real archiver has filled from a log in memory, and an engine nobody here wrote to read exports with. */
import { DuckDBInstance } from '@duckdb/node-api'
import { archive } from '../../src/archive/archiver.ts'
import { dayFolder, SEAL } from '../../src/archive/layout.ts'
import type { MusicEvent } from '../../src/event.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import { dataFiles } from '../archive/lake-contents.ts'
import { MemoryTopic } from '../log/memory.ts'

const PARTITIONS = 2
const COUNTRIES = ['FR', 'DE', 'BR']

export class FilledLake {
  readonly lake: LakeStorage
  readonly root: string
  readonly #topic: MemoryTopic
  #made = 0

  constructor(lake: LakeStorage, topic = 'music') {
    this.lake = lake
    this.root = `/${topic}`
    this.#topic = new MemoryTopic(topic)
    this.#topic.create(PARTITIONS)
  }

  /** Puts `count` events of three days into the log, the odd ones with what is hard to write, and archives them. */
  async fill(count: number, change: Partial<MusicEvent> = {}): Promise<void> {
    for (let i = 0; i < count; i++) {
      const n = this.#made++
      this.#topic.put(
        n % PARTITIONS,
        Buffer.from(JSON.stringify({ ...eventOf(n), ...change, ...(n % 5 === 0 && { mood: ['"', n] }) })),
      )
    }
    await archive({
      ...{ log: this.#topic.open(PARTITIONS), lake: this.lake, root: this.root, group: 'g' },
      limits: { messages: 7, bytes: 1e9, ageMs: 100 },
      once: true,
      acceptGap: false,
      signal: new AbortController().signal,
    })
  }

  /** Puts a message as it is, to be archived by the next `fill`. */
  put(message: string): void {
    this.#topic.put(0, Buffer.from(message))
  }

  /** Says of a day that it is complete. */
  async seal(day: string): Promise<void> {
    await this.lake.write(`${dayFolder(this.root, day)}/${SEAL}`, new Uint8Array())
  }

  /** All lines of the lake, sorted. */
  async lines(): Promise<string[]> {
    return [...(await dataFiles(this.lake, this.root)).values()].flat().sort()
  }
}

function eventOf(n: number): MusicEvent {
  return {
    user: `user${n}`,
    artist: n % 2 === 0 ? 'Carol Moore' : 'Zoë "Z", Ω',
    track: `Nights ${n % 4}`,
    timestamp: `2025-07-0${1 + (n % 3)}T20:07:${String(n % 60).padStart(2, '0')}${n % 7 === 0 ? '' : `.${String(n).padStart(6, '0')}`}`,
    genre: 'Jazz',
    duration: 100 + n,
    platform: 'Spotify',
    device: 'Desktop',
    action: 'like',
    country: COUNTRIES[n % 3] as string,
  }
}

/** The rows of a query that DuckDB answers, as JSON. */
export async function duckdb(sql: string): Promise<unknown[][]> {
  const database = await DuckDBInstance.create(':memory:')
  const connection = await database.connect()
  try {
    await connection.run(`SET TimeZone = 'UTC'`)
    return (await connection.runAndReadAll(sql)).getRowsJson() as unknown[][]
  } finally {
    connection.closeSync()
    database.closeSync()
  }
}

/** What DuckDB is to find in an export of these lines: count, seconds, seconds of FR, first and last moment. */
export function sumsOf(lines: readonly string[]): unknown[] {
  const events = lines.map((line) => JSON.parse(line) as MusicEvent)
  const seconds = (some: MusicEvent[]) => String(some.reduce((sum, { duration }) => sum + duration, 0))
  const micros = events.map(
    ({ timestamp }) =>
      BigInt(Date.parse(`${timestamp.slice(0, 19)}Z`)) * 1000n + BigInt((timestamp.slice(20) || '0').padEnd(6, '0')),
  )
  const sorted = micros.sort((a, b) => Number(a - b))
  return [
    String(events.length),
    seconds(events),
    seconds(events.filter(({ country }) => country === 'FR')),
    String(sorted[0]),
    String(sorted.at(-1)),
  ]
}

/** Asks for `sumsOf` of a table whose timestamp is one. */
export const SUMS =
  "count(*), sum(duration), sum(duration) FILTER (country = 'FR'), epoch_us(min(timestamp)), epoch_us(max(timestamp))"
