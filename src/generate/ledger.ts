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
 * at worst an unfinished last line, which does not count. So does a disk that is full or loses its power. Whoever adds the
 * next entry ends that line with ` unfinished`; nothing is taken back, since another may have added a whole line by then.
 */
import { hash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { MusicFakerError } from '../errors.ts'

export interface Fingerprint {
  count: number
  /** In `[0, 2^64)`. */
  sum: bigint
}

export const EMPTY_FINGERPRINT: Fingerprint = { count: 0, sum: 0n }

const UNFINISHED = ' unfinished'
/** What a power cut leaves at the end of a file may be as long as a block of its disk. */
const LONGEST_LINE = 65_536
const LF = 0x0a
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
  let [number, rest] = [0, '']
  // In pieces: a producer of weeks writes more than a text can hold.
  for await (const chunk of handle.createReadStream({ encoding: 'latin1', autoClose: false })) {
    const lines = `${rest}${chunk}`.split('\n')
    // Empty where the last line is finished.
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST_LINE) throw unreadable(file, `line ${number + lines.length + 1} is not an entry`)
    for (const line of lines) {
      number++
      if (line.endsWith(UNFINISHED)) continue
      const entry = ENTRY.exec(line)
      if (entry === null) throw unreadable(file, `line ${number} is not an entry`)
      total = addFingerprints(total, { count: Number(entry[1]), sum: BigInt(`0x${entry[2]}`) })
    }
  }
  return total
}

/** Adds entries to a ledger. */
export class LedgerWriter {
  readonly #file: string
  readonly #descriptor: number

  /** Makes the file where it is missing. @throws CONFIG_UNREADABLE when it cannot be read or written */
  constructor(file: string) {
    this.#file = file
    try {
      this.#descriptor = openSync(file, 'a+')
    } catch (cause) {
      throw unwritable(file, (cause as Error).message, cause)
    }
  }

  /**
   * Blocks for the write; what is acknowledged must be in the ledger before the next append is.
   * @throws CONFIG_UNREADABLE when the entry could not be written whole, and does not count
   */
  add({ count, sum }: Fingerprint): void {
    const entry = `{"count":${count},"sum":"${sum.toString(16).padStart(16, '0')}"}\n`
    let whole: boolean
    try {
      const line = Buffer.from(this.#isCutOff() ? `${UNFINISHED}\n${entry}` : entry)
      // The rest is not sent after it: another producer's entry may come in between.
      whole = writeSync(this.#descriptor, line) === line.length
    } catch (cause) {
      throw unwritable(this.#file, (cause as Error).message, cause)
    }
    if (!whole) throw unwritable(this.#file, 'there was no room for a whole entry')
  }

  /** Looked at each time: another producer of the file may have been killed since. */
  #isCutOff(): boolean {
    const { size } = fstatSync(this.#descriptor)
    const last = Buffer.alloc(1)
    return size > 0 && readSync(this.#descriptor, last, 0, 1, size - 1) === 1 && last[0] !== LF
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

function unwritable(file: string, why: string, cause?: unknown): MusicFakerError {
  return new MusicFakerError('CONFIG_UNREADABLE', `cannot write the ledger ${file}: ${why}`, {
    cause,
    next: 'Choose a file that you may read and write, on a disk with room.',
  })
}

function unreadable(file: string, why: string, cause?: unknown): MusicFakerError {
  return new MusicFakerError('CONFIG_UNREADABLE', `cannot read the ledger ${file}: ${why}`, {
    cause,
    next: 'Give the file that "music-faker produce --ledger" wrote.',
  })
}
