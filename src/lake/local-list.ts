import { opendir } from 'node:fs/promises'
import { compareNames } from './path.ts'

/** Names that one scan of a folder keeps, at about 100 bytes each. A larger folder is scanned once per so many. */
const SCAN_NAMES = 50_000
/** Names that a page holds, whose files are looked at together. */
const PAGE_NAMES = 256
const READ_AHEAD_ENTRIES = 1_024

/**
 * The names in a folder in ascending byte order, in pages. The operating system gives names in no order at all, so each
 * scan keeps only the smallest after those already given: memory is bounded, and folders of up to 50,000 names are read
 * once. Names that come or go meanwhile may be seen or not.
 * @throws the operating system's error
 */
export async function* pagesOfFolder(folder: string, after = '', scanNames = SCAN_NAMES): AsyncGenerator<string[]> {
  for (let from = after; ; ) {
    const names = await smallestNames(folder, from, scanNames)
    for (let i = 0; i < names.length; i += PAGE_NAMES) yield names.slice(i, i + PAGE_NAMES)
    if (names.length < scanNames) return
    from = names.at(-1) ?? from
  }
}

async function smallestNames(folder: string, after: string, limit: number): Promise<string[]> {
  let kept: string[] = []
  let bound: string | undefined
  for await (const { name } of await opendir(folder, { bufferSize: READ_AHEAD_ENTRIES })) {
    if (compareNames(name, after) <= 0) continue
    if (bound !== undefined && compareNames(name, bound) >= 0) continue
    kept.push(name)
    // Sorting at twice the limit costs less than keeping a heap, and holds memory to two pages.
    if (kept.length < 2 * limit) continue
    kept = kept.sort(compareNames).slice(0, limit)
    bound = kept.at(-1)
  }
  return kept.sort(compareNames).slice(0, limit)
}
