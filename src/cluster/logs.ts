/** Reads the end of a log file, and what is appended to it later, also across its rotation by renaming. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { setTimeout as delay } from 'node:timers/promises'

const CHUNK_BYTES = 64 * 1024
const POLL_MS = 200
/** The end of the file that is searched for the last lines. */
const TAIL_BYTES = 1024 * 1024

/** The last lines of a file, from its last megabyte at most; none when there is no such file. */
export function lastLines(file: string, count: number): string[] {
  const log = openLog(file)
  if (log === undefined) return []
  try {
    log.position = Math.max(0, fstatSync(log.descriptor).size - TAIL_BYTES)
    const lines = [...readLines(log)]
    if (log.rest !== '') lines.push(log.rest)
    return count === 0 ? [] : lines.slice(-count)
  } finally {
    closeSync(log.descriptor)
  }
}

/** Gives the last lines of a file to `out`, then each line as it is written, until the signal aborts. */
export async function followFile(
  file: string,
  options: { lines: number; out: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  let log = openLog(file)
  if (log !== undefined) {
    log.position = Math.max(0, fstatSync(log.descriptor).size - TAIL_BYTES)
    const lines = [...readLines(log)]
    for (const line of options.lines === 0 ? [] : lines.slice(-options.lines)) options.out(line)
  }
  try {
    while (!options.signal.aborted) {
      await delay(POLL_MS, undefined, { signal: options.signal }).catch(() => {})
      // What was written to the old file before it was renamed is read first, then the new one from its start.
      if (log !== undefined) for (const line of readLines(log)) options.out(line)
      if (log === undefined || inodeOf(file) !== log.inode) {
        if (log !== undefined) closeSync(log.descriptor)
        log = openLog(file)
      }
    }
  } finally {
    if (log !== undefined) closeSync(log.descriptor)
  }
}

interface OpenLog {
  descriptor: number
  inode: number
  position: number
  decoder: StringDecoder
  /** The start of a line whose end is not written yet. */
  rest: string
}

function openLog(file: string): OpenLog | undefined {
  try {
    const descriptor = openSync(file, 'r')
    return { descriptor, inode: fstatSync(descriptor).ino, position: 0, decoder: new StringDecoder('utf8'), rest: '' }
  } catch {
    return undefined
  }
}

function* readLines(log: OpenLog): Generator<string> {
  const chunk = Buffer.alloc(CHUNK_BYTES)
  for (;;) {
    const length = readSync(log.descriptor, chunk, 0, chunk.length, log.position)
    if (length === 0) return
    log.position += length
    const lines = (log.rest + log.decoder.write(chunk.subarray(0, length))).split('\n')
    log.rest = lines.pop() ?? ''
    yield* lines
  }
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino
}
