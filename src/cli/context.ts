/** What every command is given: its settings, where to write, when to stop, and the log and the lake to work on. */

import type { LoadedConfig } from '../config.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { EventLog } from '../log/log.ts'
import type { Config } from '../settings.ts'
import type { Output } from './output.ts'

export interface Context {
  readonly config: Config
  /** The same with where each value came from. */
  readonly loaded: LoadedConfig
  readonly out: Output
  /** Aborts when the command should come to its end. Only commands that declare `drains` live to see it. */
  readonly signal: AbortSignal
  readonly verbose: boolean
  /**
   * Opens the log of the profile, with the settings in `changes` in place of the configured ones. Closed after the
   * command, as everything opened here, in reverse order.
   */
  openLog(changes?: Partial<Config>): Promise<EventLog>
  openLake(): Promise<LakeStorage>
  /** Has `close` called after the command, before what was opened earlier is closed. */
  defer(close: () => Promise<void>): void
}

export interface ClosableContext extends Context {
  /** Closes everything, also when one of them fails; throws the first failure. */
  close(): Promise<void>
}

export function createContext(parts: {
  loaded: LoadedConfig
  out: Output
  signal: AbortSignal
  verbose: boolean
}): ClosableContext {
  const { config } = parts.loaded
  const closers: (() => Promise<void>)[] = []
  const opened = <T extends { close(): Promise<void> }>(resource: T): T => {
    closers.push(() => resource.close())
    return resource
  }
  return {
    ...parts,
    config,
    openLog: async (changes) => opened(await (await import('../profiles.ts')).openLog({ ...config, ...changes })),
    openLake: async () => opened(await (await import('../profiles.ts')).openLake(config)),
    defer: (close) => {
      closers.push(close)
    },
    close: async () => {
      const failures: unknown[] = []
      for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
        await close().catch((error: unknown) => failures.push(error))
      }
      if (failures.length > 0) throw failures[0]
    },
  }
}
