/** One command at a time starts or stops the services of a site. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { MusicFakerError } from '../errors.ts'
import { isBusy } from '../log/sqlite-errors.ts'
import type { Report } from './services.ts'
import type { Site } from './site.ts'

const POLL_MS = 50

/**
 * Runs `work` while holding the lock of a site, whose folder must exist. Waits for another command to finish first.
 *
 * The lock is that of SQLite on a file that stays empty: the system gives it to one process, and takes it from one that
 * has died, so that there is never a stale one to be taken away, which two could do at once.
 *
 * @throws CLUSTER_FAILED when the file cannot be locked; the signal's reason; what `work` throws
 */
export async function withLock<T>(
  site: Site,
  options: { report: Report; signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  const file = join(site.folder, 'lock.sqlite')
  const lock = open(file)
  try {
    for (let waiting = false; !isTaken(lock, file); waiting = true) {
      if (!waiting) options.report(`waiting for another command${holder(site)} to finish with this cluster ...`)
      await delay(POLL_MS, undefined, { signal: options.signal })
    }
    writeFileSync(pidFile(site), `${process.pid}\n`)
    return await work()
  } finally {
    lock.close()
  }
}

function open(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { timeout: 0 })
  } catch (error) {
    throw cannotLock(file, error)
  }
}

/** Whether the lock is ours now. */
function isTaken(lock: DatabaseSync, file: string): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if (isBusy(error)) return false
    throw cannotLock(file, error)
  }
}

function cannotLock(file: string, cause: unknown): MusicFakerError {
  return new MusicFakerError('CLUSTER_FAILED', `cannot lock ${file}: ${(cause as Error).message}`, {
    cause,
    next: 'Check the permissions of the file and its folder, or choose another folder: --data-dir DIR.',
  })
}

/** Only to be told: the lock itself is not in this file. */
function pidFile(site: Site): string {
  return join(site.folder, 'lock.pid')
}

function holder(site: Site): string {
  try {
    return ` (pid ${readFileSync(pidFile(site), 'utf8').trim()})`
  } catch {
    // Taken this moment.
    return ''
  }
}
