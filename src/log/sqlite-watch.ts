/**
 * Waiting for someone to commit to the log file. Commits of this process wake at once, through an emitter that all log
 * objects of the process share; those of other processes are seen by asking SQLite for its `data_version`, which costs
 * microseconds, 5 to 50 ms apart and only while someone waits.
 */
import { EventEmitter } from 'node:events'

const POLL_MS = { least: 5, most: 50, growth: 1.5 }

/** One event per file, named by its real path. */
const commits = new EventEmitter()
commits.setMaxListeners(0)

export class ChangeWatch {
  readonly #file: string
  readonly #dataVersion: () => number
  readonly #waiters = new Set<() => void>()
  readonly #onCommit = () => this.#wake()
  #version = 0
  #seen: number | undefined
  #timer: NodeJS.Timeout | undefined
  #delay = POLL_MS.least

  /**
   * @param file        names the file to the other log objects of this process
   * @param dataVersion `PRAGMA data_version` of a connection: differs once another connection has committed
   */
  constructor(file: string, dataVersion: () => number) {
    this.#file = file
    this.#dataVersion = dataVersion
    commits.on(file, this.#onCommit)
  }

  /** Read before looking into the file; given to `wait`, a commit between the look and the wait is not missed. */
  get version(): number {
    return this.#version
  }

  /** Says that this process has committed to the file. */
  announce(): void {
    commits.emit(this.#file)
  }

  /** Resolves when the file may have changed since `version` was `since`, after `maxMs`, or when `signal` aborts. */
  wait(since: number, maxMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#version !== since || signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timeout)
        signal?.removeEventListener('abort', end)
        this.#waiters.delete(end)
        resolve()
      }
      const timeout = setTimeout(end, maxMs)
      signal?.addEventListener('abort', end)
      this.#waiters.add(end)
      this.#timer ??= setTimeout(() => this.#poll(), this.#delay)
    })
  }

  /** Wakes everyone and stops watching. */
  close(): void {
    commits.off(this.#file, this.#onCommit)
    this.#wake()
  }

  #poll(): void {
    this.#timer = undefined
    if (this.#waiters.size === 0) return
    if (this.#changed()) {
      this.#wake()
      return
    }
    this.#delay = Math.min(POLL_MS.growth * this.#delay, POLL_MS.most)
    this.#timer = setTimeout(() => this.#poll(), this.#delay)
  }

  /** A failure counts as a change: whoever looks then meets it where it can be told. */
  #changed(): boolean {
    try {
      const version = this.#dataVersion()
      const changed = version !== this.#seen
      this.#seen = version
      return changed
    } catch {
      return true
    }
  }

  #wake(): void {
    this.#version += 1
    // More often follows soon.
    this.#delay = POLL_MS.least
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const end of [...this.#waiters]) end()
  }
}
