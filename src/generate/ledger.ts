/**
 * The ledger of a producer: what the log has acknowledged, to be held against what arrives in the lake.
 *
 * The file has one JSON line for each acknowledged append: {"count":5000,"sum":"0123456789abcdef"}. `count` is the number of its
 * events; `sum` is the sum, modulo 2^64 and in 16 hex digits, of a hash of each event's bytes: the first 8 bytes of its
 * SHA-256, big-endian. A sum does not depend on the order and is the same however events are grouped, so the ledger's
 * total can be compared with a lake that has them in other files; and unlike with XOR, an event that is there
 * twice more does not cancel out.
 *
 * Lines are only ever added, each in one write: several producers may share a file, and a process that is killed leaves
 * at worst an unfinished last line, which does not count.
 */
import { hash } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { MusicFakerError } from '../errors.ts'

export interface Fingerprint {
  count: number
  /** In `[0, 2^64)`. */
  sum: bigint
}

export const EMPTY_FINGERPRINT: Fingerprint = { count: 0, sum: 0n }

const ENTRY = /^\{"count":(\d{1,15}),"sum":"([0-9a-f]{16})"\}$/

/** Counts and sums `lines`: events, each without its line feed. */
export function fingerprint(lines: Iterable<Uint8Array>): Fingerprint {
  let count = 0
  let sum = 0n
  for (const line of lines) {
    count++
    sum += hash('sha256', line, 'buffer').readBigUInt64BE(0)
  }
  return { count, sum: BigInt.asUintN(64, sum) }
}

/** The fingerprint of both together. */
export function addFingerprints(a: Fingerprint, b: Fingerprint): Fingerprint {
  return { count: a.count + b.count, sum: BigInt.asUintN(64, a.sum + b.sum) }
}

/**
 * The total of a ledger; of a file that is not there, nothing.
 * @throws CONFIG_UNREADABLE when the file cannot be read or is not a ledger
 */
export async function readLedger(file: string): Promise<Fingerprint> {
  let total = EMPTY_FINGERPRINT
  let handle: Awaited<ReturnType<typeof open>>
  try {
    handle = await open(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return total
    throw unreadable(file, (error as Error).message, error)
  }
  await using _ = handle
  const text = await handle.readFile('utf8')
  const lines = text.split('\n')
  // Empty where the last line is finished.
  lines.pop()
  for (const [i, line] of lines.entries()) {
    const entry = ENTRY.exec(line)
    if (entry === null) throw unreadable(file, `line ${i + 1} is not an entry`)
    total = addFingerprints(total, { count: Number(entry[1]), sum: BigInt(`0x${entry[2]}`) })
  }
  return total
}

/** Adds entries to a ledger. */
export class LedgerWriter {
  readonly #descriptor: number

  /** Makes the file where it is missing. @throws CONFIG_UNREADABLE when it cannot be written */
  constructor(file: string) {
    try {
      this.#descriptor = openSync(file, 'a')
    } catch (cause) {
      throw new MusicFakerError('CONFIG_UNREADABLE', `cannot write the ledger ${file}: ${(cause as Error).message}`, {
        cause,
        next: 'Choose a file that you may write to.',
      })
    }
  }

  /** Blocks for the write; what is acknowledged must be in the ledger before the next append is. */
  add({ count, sum }: Fingerprint): void {
    writeSync(this.#descriptor, `{"count":${count},"sum":"${sum.toString(16).padStart(16, '0')}"}\n`)
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

function unreadable(file: string, why: string, cause?: unknown): MusicFakerError {
  return new MusicFakerError('CONFIG_UNREADABLE', `cannot read the ledger ${file}: ${why}`, {
    cause,
    next: 'Give the file that "music-faker produce --ledger" wrote.',
  })
}
