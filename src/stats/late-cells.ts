import { setImmediate } from 'node:timers/promises'
import type { BatchRecord } from '../archive/record.ts'
import { hasCode } from '../errors.ts'
import { Cells, type CountedRecord, type RowLimits } from './cells.ts'
import type { CellsState } from './cells-state.ts'
import { decodeSample, type Sample } from './sample.ts'

/** What may wait: records and checkpoints, and rows of them, of some 40 bytes. */
const WAITING = 1_024
const WAITING_ROWS = 600_000

/**
 * Cells that take in what is added to them when they are asked for, or bit by bit in `settle`: on an old lake that takes as
 * long as the totals, which can be told without.
 */
export class LateCells {
  readonly #cells: Cells
  readonly #waiting: { rows: number; take: () => void }[] = []
  #rows = 0

  constructor(rows?: RowLimits) {
    this.#cells = new Cells(rows)
  }

  /** With all that has been added. */
  get all(): Cells {
    while (this.#takeNext());
    return this.#cells
  }

  /** Takes in what has been added. Others have their turn after each bit. */
  async settle(): Promise<void> {
    while (this.#takeNext()) await setImmediate()
  }

  merge(state: CellsState): void {
    this.#later(state.rows.second.length, () => this.#cells.merge(state))
  }

  /** @param source names the record in errors */
  add({ topicId, partition, seq, summary }: BatchRecord, source: string): void {
    // The rest of it is not kept while it waits.
    const { distinct, artists, tracks, ...counted } = summary
    const record: CountedRecord = { topicId, partition, seq, summary: counted }
    this.#later(summary.sample?.rows ?? 0, () => this.#cells.add(record, sampleOf(record, source)))
  }

  #later(rows: number, take: () => void): void {
    this.#waiting.push({ rows, take })
    this.#rows += rows
    while (this.#waiting.length > WAITING || this.#rows > WAITING_ROWS) this.#takeNext()
  }

  /** @returns false when nothing is left */
  #takeNext(): boolean {
    const next = this.#waiting.shift()
    if (!next) return false
    this.#rows -= next.rows
    next.take()
    return true
  }
}

/**
 * Undefined for one that is damaged, too: it is unpacked long after its record was found sound by its checksum, and windows
 * say of how many events they cannot tell.
 */
function sampleOf({ summary }: CountedRecord, source: string): Sample | undefined {
  try {
    return summary.sample && decodeSample(summary.sample, source)
  } catch (error) {
    if (hasCode(error, 'COMMIT_CORRUPT')) return undefined
    throw error
  }
}
