/**
 * What one member of a group holds: turns each new sharing into assignments and revocations, and carries commits to the
 * coordinator.
 */
import type { Assignment } from './log.ts'

interface Holding {
  revoke: AbortController
  /** The offset to tell the group, until it was told. */
  hint: number | undefined
}

export class Holdings {
  readonly #holdings = new Map<number, Holding>()
  readonly #offer: (assignment: Assignment) => void
  readonly #onHint: () => void
  topicId: string | undefined

  /**
   * @param offer  receives each new assignment
   * @param onHint is called when there is something to tell the group
   */
  constructor(offer: (assignment: Assignment) => void, onHint: () => void) {
    this.#offer = offer
    this.#onHint = onHint
  }

  get partitions(): number[] {
    return [...this.#holdings.keys()]
  }

  /** Partitions that stay go on untouched. Another topic id means another lineage: nothing stays. */
  become(topicId: string, partitions: readonly number[]): void {
    if (this.topicId !== topicId) this.revokeAll()
    this.topicId = topicId
    for (const partition of this.partitions) if (!partitions.includes(partition)) this.#revoke(partition)
    for (const partition of partitions) if (!this.#holdings.has(partition)) this.#assign(topicId, partition)
  }

  revokeAll(): void {
    for (const partition of this.partitions) this.#revoke(partition)
  }

  /** The offsets to tell the group, by partition. */
  hints(): Map<number, number> {
    const hints = new Map<number, number>()
    for (const [partition, { hint }] of this.#holdings) if (hint !== undefined) hints.set(partition, hint)
    return hints
  }

  /** Forgets hints that were told, unless a newer one has come meanwhile. */
  told(hints: ReadonlyMap<number, number>): void {
    for (const [partition, hint] of hints) {
      const holding = this.#holdings.get(partition)
      if (holding?.hint === hint) holding.hint = undefined
    }
  }

  #assign(topicId: string, partition: number): void {
    const holding: Holding = { revoke: new AbortController(), hint: undefined }
    this.#holdings.set(partition, holding)
    this.#offer({
      topicId,
      partition,
      revoked: holding.revoke.signal,
      commit: async (next) => {
        holding.hint = next
        this.#onHint()
      },
    })
  }

  #revoke(partition: number): void {
    this.#holdings.get(partition)?.revoke.abort()
    this.#holdings.delete(partition)
  }
}
