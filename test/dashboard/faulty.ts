/** The real log and lake behind ports that can be made to fail or to hang, and to mend again. */
import { MusicFakerError } from '../../src/errors.ts'
import type { LakeStorage } from '../../src/lake/storage.ts'
import type { EventLog } from '../../src/log/log.ts'

export class Fault {
  #now: 'none' | 'refuse' | 'hang' = 'none'
  #mended = Promise.withResolvers<void>()
  readonly #error: () => MusicFakerError

  constructor(error: () => MusicFakerError) {
    this.#error = error
  }

  refuse(): void {
    this.#now = 'refuse'
  }

  /** Calls do not end until `mend`. */
  hang(): void {
    this.#now = 'hang'
    this.#mended = Promise.withResolvers()
  }

  mend(): void {
    this.#now = 'none'
    this.#mended.resolve()
  }

  /** To be awaited at the beginning of every call. */
  async pass(): Promise<void> {
    if (this.#now === 'refuse') throw this.#error()
    if (this.#now === 'hang') await this.#mended.promise
  }
}

export function faultyLog(log: EventLog): { log: EventLog; fault: Fault } {
  const fault = new Fault(
    () => new MusicFakerError('LOG_UNREACHABLE', 'Kafka does not answer at k:9092', { next: 'Start it.' }),
  )
  return {
    fault,
    log: {
      topic: log.topic,
      ensureTopic: () => log.ensureTopic(),
      describe: async () => {
        await fault.pass()
        return log.describe()
      },
      append: (messages) => log.append(messages),
      open: (from) => {
        const reader = log.open(from)
        return {
          read: async (options) => {
            await fault.pass()
            return reader.read(options)
          },
          close: () => reader.close(),
        }
      },
      join: (options) => log.join(options),
      committed: async (group) => {
        await fault.pass()
        return log.committed(group)
      },
      close: () => log.close(),
    },
  }
}

export function faultyLake(lake: LakeStorage): { lake: LakeStorage; fault: Fault } {
  const fault = new Fault(
    () => new MusicFakerError('LAKE_UNREACHABLE', 'HDFS does not answer at h:9871', { next: 'Start it.' }),
  )
  return {
    fault,
    lake: {
      write: (path, body) => lake.write(path, body),
      rename: (from, to) => lake.rename(from, to),
      read: async (path) => {
        await fault.pass()
        return lake.read(path)
      },
      stream: (path) => lake.stream(path),
      stat: async (path) => {
        await fault.pass()
        return lake.stat(path)
      },
      list: async function* (path, options) {
        await fault.pass()
        yield* lake.list(path, options)
      },
      remove: (path) => lake.remove(path),
      close: () => lake.close(),
    },
  }
}
