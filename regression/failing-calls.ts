/** The ports as a bad network makes them: calls fail at random in every way that the ports allow. */
import { MusicFakerError } from '../src/errors.ts'
import type { Random } from '../src/generate/random.ts'
import type { LakeEntry, LakeStorage } from '../src/lake/storage.ts'
import type { EventLog } from '../src/log/log.ts'

/** lost: does not happen. done: happens. late: happens after the caller was told that it failed. torn: happens half. */
type Fate = 'lost' | 'done' | 'late' | 'torn'
const FATES: readonly Fate[] = ['lost', 'done', 'late', 'torn']
/** A late call happens within this many milliseconds. */
const LATEST_MS = 3_000

export class FailingCalls {
  readonly #random: Random
  readonly #rate: number
  readonly #late = new Set<() => Promise<unknown>>()
  failures = 0

  /** @param rate how many of all calls fail */
  constructor(random: Random, rate: number) {
    this.#random = random
    this.#rate = rate
  }

  /** Lets everything happen that is still to happen late. */
  async happenLate(): Promise<void> {
    for (const call of this.#late) await call()
  }

  lake(lake: LakeStorage): LakeStorage {
    const call = <T>(real: () => Promise<T>, torn?: () => Promise<unknown>) =>
      this.#call('LAKE_UNREACHABLE', real, torn)
    return {
      write: (path, body) =>
        call(
          () => lake.write(path, body),
          () => lake.write(path, body instanceof Uint8Array ? body.subarray(0, body.length / 2) : firstOf(body)),
        ),
      rename: (from, to) => call(() => lake.rename(from, to)),
      read: (path) => call(() => lake.read(path)),
      stat: (path) => call(() => lake.stat(path)),
      remove: (path) =>
        call(
          () => lake.remove(path),
          () => removeFirst(lake, path),
        ),
      stream: (path) => lake.stream(path),
      list: (path, options) => this.#cut(lake.list(path, options)),
      close: () => lake.close(),
    }
  }

  log(log: EventLog): EventLog {
    const call = <T>(real: () => Promise<T>) => this.#call('LOG_UNREACHABLE', real)
    return {
      topic: log.topic,
      ensureTopic: () => call(() => log.ensureTopic()),
      describe: () => call(() => log.describe()),
      append: (messages) => call(() => log.append(messages)),
      open: (from) => {
        const reader = log.open(from)
        return {
          // A read that failed has skipped nothing: the port says so.
          read: (options) => (this.#fails() ? Promise.reject(failure('LOG_UNREACHABLE')) : reader.read(options)),
          close: () => reader.close(),
        }
      },
      async *join(options) {
        for await (const assignment of log.join(options)) {
          yield { ...assignment, commit: (next) => call(() => assignment.commit(next)) }
        }
      },
      committed: (group) => call(() => log.committed(group)),
      close: () => log.close(),
    }
  }

  #fails(): boolean {
    const fails = this.#random.float() < this.#rate
    if (fails) this.failures++
    return fails
  }

  async #call<T>(
    code: 'LAKE_UNREACHABLE' | 'LOG_UNREACHABLE',
    real: () => Promise<T>,
    torn: () => Promise<unknown> = real,
  ): Promise<T> {
    if (!this.#fails()) return real()
    const fate = this.#random.pick(FATES)
    if (fate === 'done') await real().catch(() => undefined)
    if (fate === 'torn') await torn().catch(() => undefined)
    if (fate === 'late') this.#postpone(real)
    throw failure(code)
  }

  #postpone(real: () => Promise<unknown>): void {
    const call = async () => {
      if (this.#late.delete(call)) await real().catch(() => undefined)
    }
    this.#late.add(call)
    setTimeout(call, this.#random.below(LATEST_MS))
  }

  /** A listing that fails may have given some entries. */
  async *#cut(entries: AsyncIterable<LakeEntry>): AsyncGenerator<LakeEntry> {
    let left = this.#fails() ? this.#random.below(3) : Number.POSITIVE_INFINITY
    for await (const entry of entries) {
      if (left-- === 0) throw failure('LAKE_UNREACHABLE')
      yield entry
    }
    if (left !== Number.POSITIVE_INFINITY) throw failure('LAKE_UNREACHABLE')
  }
}

function failure(code: 'LAKE_UNREACHABLE' | 'LOG_UNREACHABLE'): MusicFakerError {
  return new MusicFakerError(code, 'timed out')
}

async function* firstOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    yield chunk
    return
  }
}

/** What is left of removing a folder that was cut short. */
async function removeFirst(lake: LakeStorage, folder: string): Promise<void> {
  for await (const entry of lake.list(folder)) return lake.remove(entry.path)
}
