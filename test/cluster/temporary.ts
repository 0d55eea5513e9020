import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'music-faker-cluster-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The options of a call whose lines are kept, and which nobody interrupts. */
export function recorded(): { lines: string[]; report: (line: string) => void; signal: AbortSignal } {
  const lines: string[] = []
  return { lines, report: (line) => lines.push(line), signal: new AbortController().signal }
}
