/** Messages of the log as `tail` shows them, whatever they hold. */
import { isUtf8 } from 'node:buffer'
import type { LogBatch } from '../log/log.ts'
import { escapeControls } from './format.ts'

export interface Message {
  partition: number
  offset: number
  /** Null for a tombstone. */
  value: Buffer | null
}

/** The messages of a batch, copied out of it. */
export function messagesOf(batch: LogBatch): Message[] {
  const messages: Message[] = []
  for (let i = 0; i < batch.count; i++) {
    const start = batch.starts[i] as number
    messages.push({
      partition: batch.partition,
      offset: batch.first + (batch.offsetDeltas[i] as number),
      value: start === -1 ? null : Buffer.from(batch.data.subarray(start, batch.ends[i])),
    })
  }
  return messages
}

/**
 * Merges partitions by the events' own timestamps and keeps the order within each, so that a late event comes right
 * after what stands before it in its partition. A message without a timestamp counts as old as the one before it.
 */
export function mergeByTime(partitions: readonly (readonly Message[])[]): Message[] {
  const keyed = partitions.flatMap((messages) => {
    let latest = ''
    return messages.map((message) => {
      const timestamp = timestampOf(message.value)
      if (timestamp > latest) latest = timestamp
      return { latest, message }
    })
  })
  // ISO timestamps sort as text, also with fractions of different length. The sort is stable.
  keyed.sort((a, b) => (a.latest < b.latest ? -1 : a.latest > b.latest ? 1 : 0))
  return keyed.map(({ message }) => message)
}

/** For --json: the text, or base64 where the bytes are no text. */
export function messageJson({ partition, offset, value }: Message): Record<string, unknown> {
  if (value === null || isUtf8(value)) return { partition, offset, value: value?.toString() ?? null }
  return { partition, offset, base64: value.toString('base64') }
}

/** The message's own bytes and a line feed; on a terminal without control characters. A tombstone reads `null`. */
export function messageLine({ value }: Message, terminal: boolean): string | Buffer {
  if (value === null) return 'null\n'
  return terminal ? `${escapeControls(value.toString())}\n` : Buffer.concat([value, Buffer.from('\n')])
}

function timestampOf(value: Buffer | null): string {
  try {
    const { timestamp } = JSON.parse(value?.toString() ?? '') as { timestamp?: unknown }
    return typeof timestamp === 'string' ? timestamp : ''
  } catch {
    return ''
  }
}
