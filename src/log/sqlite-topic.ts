/** Topics of the embedded log: finding, creating and describing them, and appending runs. All within a transaction. */
import { randomUUID } from 'node:crypto'
import { MusicFakerError } from '../errors.ts'
import type { TopicDescription, Watermarks } from './log.ts'
import type { Prepare } from './sqlite-file.ts'
import type { PackedRun } from './sqlite-run.ts'

export interface Topic {
  key: number
  id: string
  partitions: number
}

export function createTopic(sql: Prepare, name: string, partitions: number): void {
  const { changes, lastInsertRowid } = sql(
    'INSERT INTO topics (name, id, partitions) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  ).run(name, randomUUID(), partitions)
  if (changes === 0) return
  const insert = sql('INSERT INTO partitions (topic, number, first_offset, next_offset) VALUES (?, ?, 0, 0)')
  for (let number = 0; number < partitions; number += 1) insert.run(lastInsertRowid, number)
}

/** @throws LOG_TOPIC_MISSING */
export function findTopic(sql: Prepare, name: string, file: string): Topic {
  const row = sql('SELECT key, id, partitions FROM topics WHERE name = ?').get(name)
  if (row) return row as unknown as Topic
  const others = sql('SELECT name FROM topics ORDER BY name LIMIT 10').all()
  const holds = others.length === 0 ? 'no topic yet' : others.map((other) => `"${other.name}"`).join(', ')
  throw new MusicFakerError(
    'LOG_TOPIC_MISSING',
    `topic "${name}" does not exist in the log ${file}, which holds ${holds}`,
    {
      next: 'Check --topic and --data-dir, or create the topic by producing to it: music-faker produce',
    },
  )
}

/** @throws LOG_TOPIC_RECREATED when the topic of this name is not the one that had the id `id` */
export function findSameTopic(sql: Prepare, name: string, file: string, id: string): Topic {
  const topic = findTopic(sql, name, file)
  if (topic.id === id) return topic
  throw new MusicFakerError(
    'LOG_TOPIC_RECREATED',
    `topic "${name}" of the log ${file} was created anew: its id was ${id} and is ${topic.id}`,
    { next: 'Start the command again to go on with the new topic.' },
  )
}

export function describeTopic(sql: Prepare, topic: Topic): TopicDescription {
  const rows = sql('SELECT number, first_offset, next_offset FROM partitions WHERE topic = ? ORDER BY number').all(
    topic.key,
  ) as unknown as { number: number; first_offset: number; next_offset: number }[]
  const partitions = new Map<number, Watermarks>()
  for (const row of rows) partitions.set(row.number, { start: row.first_offset, end: row.next_offset })
  return { topicId: topic.id, partitions }
}

/** Undefined where the topic has no such partition. */
export function watermarks(sql: Prepare, topic: Topic, partition: number): Watermarks | undefined {
  const row = sql('SELECT first_offset, next_offset FROM partitions WHERE topic = ? AND number = ?').get(
    topic.key,
    partition,
  ) as { first_offset: number; next_offset: number } | undefined
  return row && { start: row.first_offset, end: row.next_offset }
}

export function appendRun(sql: Prepare, topic: Topic, run: PackedRun): void {
  const { end } = watermarks(sql, topic, run.partition)!
  sql('INSERT INTO runs (topic, partition, base, count, packed) VALUES (?, ?, ?, ?, ?)').run(
    topic.key,
    run.partition,
    end,
    run.count,
    run.packed,
  )
  sql('UPDATE partitions SET next_offset = ? WHERE topic = ? AND number = ?').run(
    end + run.count,
    topic.key,
    run.partition,
  )
}
