/** One command at a time starts or stops the services of a site: a file that names the process at work. */
import { linkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { identify, isAlive, recall } from './process.ts'
import type { Report } from './services.ts'
import type { Site } from './site.ts'

/**
 * Runs `work` while holding the lock of a site, whose folder must exist. Waits for another command to finish first;
 * a lock whose process is gone is taken over.
 */
export async function withLock<T>(
  site: Site,
  options: { report: Report; signal: AbortSignal },
  work: () => Promise<T>,
): Promise<T> {
  const file = join(site.folder, 'lock')
  for (let waiting = false; !take(file); waiting = true) {
    const holder = recall(file)
    if (holder === undefined || !isAlive(holder)) {
      rmSync(file, { force: true })
      continue
    }
    if (!waiting) options.report(`waiting for another command (pid ${holder.pid}) to finish with this cluster ...`)
    await delay(200, undefined, { signal: options.signal })
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}

/** The file appears with its content, by linking a finished one: nobody can read it empty and think it stale. */
function take(file: string): boolean {
  const own = `${file}.${process.pid}`
  const holder = { pid: process.pid, identity: identify(process.pid), since: new Date().toISOString() }
  writeFileSync(own, `${JSON.stringify(holder)}\n`)
  try {
    linkSync(own, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(own, { force: true })
  }
}
