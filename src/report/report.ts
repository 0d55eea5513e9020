/** Writes a report: one HTML page, its numbers as CSV files, and the totals as JSON. */
import { randomUUID } from 'node:crypto'
import { mkdir, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { csv } from '../dashboard/export.ts'
import { MusicFakerError } from '../errors.ts'
import { isErrno } from '../lake/local-errors.ts'
import type { TotalsSnapshot } from '../stats/totals.ts'
import { dayTotals, type FigureOptions, lakeTotals } from './figures.ts'
import { pageOf } from './page.ts'
import { tablesOf } from './tables.ts'

export interface ReportOptions extends FigureOptions {
  /** UTC, YYYY-MM-DD; all of the lake when left out. */
  day?: string | undefined
  /** The folder that takes the files. It is made where it is missing; files of an earlier report are replaced. */
  folder: string
  /** Epoch milliseconds. */
  now: number
}

export interface WrittenReport {
  /** Names in the folder. */
  files: string[]
  statistics: TotalsSnapshot
}

/** @throws COMMIT_CORRUPT, what the lake throws; USAGE when the folder cannot be written to, LAKE_FULL when its disk is full; the signal's reason */
export async function writeReport(options: ReportOptions): Promise<WrittenReport> {
  const { root, day, now, folder } = options
  const totals = day === undefined ? await lakeTotals(options) : await dayTotals(day, options)
  const statistics = totals.snapshot()
  const tables = tablesOf(totals)
  const page = pageOf({ topic: root.slice(1), day, madeAt: now }, totals, tables)
  const contents = new Map([
    ['report.html', page],
    ['statistics.json', `${JSON.stringify(statistics, null, 2)}\n`],
    ...tables.map((table) => [`${table.name}.csv`, csv(table)] as const),
  ])
  try {
    await mkdir(folder, { recursive: true })
    for (const [name, content] of contents) await writeWhole(join(folder, name), content)
  } catch (cause) {
    if (isErrno(cause, 'ENOSPC', 'EDQUOT')) {
      throw new MusicFakerError('LAKE_FULL', `cannot write the report to ${folder}: the disk is full`, {
        cause,
        next: 'Free some space there, or give another folder with --to.',
      })
    }
    throw new MusicFakerError('USAGE', `cannot write the report to ${folder}: ${(cause as Error).message}`, {
      cause,
      next: 'Give another folder with --to.',
    })
  }
  return { files: [...contents.keys()], statistics }
}

async function writeWhole(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`
  try {
    await writeFile(temporary, content)
    await rename(temporary, path)
  } catch (error) {
    // Best effort, as of a lake's files.
    await unlink(temporary).catch(() => undefined)
    throw error
  }
}
