/** What an archiver tells: each thing as it happens, and the sum of it at the end. */
import type { MusicFakerError } from '../errors.ts'
import type { PartitionEvent } from './partition.ts'
import { quarantinedCount } from './record.ts'

export type ArchiveEvent =
  | PartitionEvent
  | { kind: 'revoked'; partition: number }
  | { kind: 'stopped'; partition: number; error: MusicFakerError }
  /** Contact with the log's group, or with the lake at the start, is lost: told at each try. */
  | { kind: 'waiting'; error: MusicFakerError }
  | { kind: 'resumed' }
  /** The topic was deleted: this waits until it is there again. Not with `once`, which ends with the error. */
  | { kind: 'missing'; topic: string }
  /** The topic has another life than the ones that the lake holds. */
  | { kind: 'recreated'; topic: string }

export interface ArchiveSummary {
  commits: number
  files: number
  events: number
  bytes: number
  quarantined: number
  skipped: number
  /** Offsets lost to retention and accepted. */
  gaps: number
  seconds: number
  /** False when the drain ran out of time: the rest is read again by the next start. */
  drained: boolean
}

/** Sums up what an archiver tells. */
export class ArchiveTally {
  readonly #started = performance.now()
  readonly #sums = { commits: 0, files: 0, events: 0, bytes: 0, quarantined: 0, skipped: 0, gaps: 0 }

  add(event: ArchiveEvent): void {
    const sums = this.#sums
    if (event.kind === 'gap') sums.gaps += event.next - event.first
    if (event.kind !== 'committed') return
    const { record } = event
    sums.commits++
    sums.files += record.files.length
    sums.events += record.events
    sums.quarantined += quarantinedCount(record)
    sums.skipped += record.skipped
    for (const file of record.files) sums.bytes += file.bytes
  }

  summary(drained: boolean): ArchiveSummary {
    return { ...this.#sums, seconds: (performance.now() - this.#started) / 1000, drained }
  }
}
