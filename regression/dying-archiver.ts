/**
 * A process that archives what a log file holds and is killed at a given change of its lake, for the tests:
 *
 *   node dying-archiver.ts LOG_FILE LAKE_FOLDER GROUP STEP before|amid|after
 *
 * Ends with 0 when it comes to its end before.
 */
import { archive } from '../src/archive/archiver.ts'
import { openLocalLake } from '../src/lake/local.ts'
import { openSqliteLog } from '../src/log/sqlite.ts'
import { dyingLake, type Way } from './dying-lake.ts'

export const TOPIC = 't'
export const ROOT = '/t'
export const LIMITS = { messages: 3, bytes: 1_000_000, ageMs: 60_000 }
/** The first to come to its end writes a checkpoint, the next ones remove what it sums up. */
export const FOLD_EVERY = 2
/** How long the dead keep their partitions. */
export const LEASE_MS = 500

if (import.meta.main) {
  const [file, folder, group, step, way] = process.argv.slice(2) as [string, string, string, string, Way]
  const log = await openSqliteLog({ file, topic: TOPIC, partitions: 1, leaseMs: LEASE_MS })
  const real = openLocalLake({ folder })
  const kill = () => process.kill(process.pid, 'SIGKILL')
  const { lake } = dyingLake(real, {
    step: Number(step),
    way,
    // Begun for real: how far it gets is up to the kernel.
    half: real,
    die: (begun) => (begun ? setImmediate(kill) : kill()),
  })
  await archive({
    ...{ log, lake, group, root: ROOT, limits: LIMITS, foldEvery: FOLD_EVERY },
    once: true,
    acceptGap: false,
    signal: new AbortController().signal,
  })
  await log.close()
}
