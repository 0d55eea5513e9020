/** Deleting a topic and making it again under its name, as anyone may beside the pipeline. */
import { randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import type { Admin } from '@platformatic/kafka'
import { expect } from 'vitest'
import type { EventLog } from '../../src/log/log.ts'
import { eventually } from '../contract/log-reading.ts'

const PATIENCE_MS = 30_000

/** At once: nobody finds the topic missing. */
export function makeAnewInSqlite(file: string, topic: string): void {
  const db = new DatabaseSync(file, { timeout: 5_000 })
  db.exec('BEGIN IMMEDIATE')
  const { key, partitions } = db.prepare('SELECT key, partitions FROM topics WHERE name = ?').get(topic)!
  for (const table of ['runs', 'partitions']) db.prepare(`DELETE FROM ${table} WHERE topic = ?`).run(key!)
  db.prepare('DELETE FROM topics WHERE key = ?').run(key!)
  const insert = db.prepare('INSERT INTO topics (name, id, partitions) VALUES (?, ?, ?)')
  const { lastInsertRowid } = insert.run(topic, randomUUID(), partitions!)
  for (let number = 0; number < Number(partitions); number++) {
    db.prepare('INSERT INTO partitions VALUES (?, ?, 0, 0)').run(lastInsertRowid, number)
  }
  db.exec('COMMIT')
  db.close()
}

export async function makeAnewInKafka(admin: Admin, log: EventLog): Promise<void> {
  await admin.deleteTopics({ topics: [log.topic] })
  // The broker goes on telling of it for a moment.
  await eventually(() => expect(log.describe()).rejects.toMatchObject({ code: 'LOG_TOPIC_MISSING' }), PATIENCE_MS)
  await log.ensureTopic()
}
