import type { MusicFakerError } from '../../src/errors.ts'
import type { Assignment, EventLog } from '../../src/log/log.ts'

/** Each topic has its own group: a broker keeps one membership for a group over all its topics. */
export function groupOf(log: EventLog): string {
  return `archivers-of-${log.topic}`
}

/** One member of a group: holds what it was assigned, until revoked. */
export class Member {
  readonly held = new Map<number, Assignment>()
  /** What `onContact` was told, in order. */
  readonly contacts: (MusicFakerError | undefined)[] = []
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>

  constructor(log: EventLog, group: string) {
    this.#ended = this.#run(log, group)
    // A failure shows when the case leaves; without this it would end the process first.
    this.#ended.catch(() => undefined)
  }

  /** Leaves the group, and rejects when the join failed. */
  leave(): Promise<void> {
    this.#stop.abort()
    return this.#ended
  }

  async #run(log: EventLog, group: string): Promise<void> {
    const onContact = (failure: MusicFakerError | undefined) => void this.contacts.push(failure)
    for await (const assignment of log.join({ group, signal: this.#stop.signal, onContact })) {
      const { partition, revoked } = assignment
      if (revoked.aborted) continue
      this.held.set(partition, assignment)
      revoked.addEventListener('abort', () => {
        if (this.held.get(partition) === assignment) this.held.delete(partition)
      })
    }
  }
}
