import { lakeRoot } from '../../archive/layout.ts'
import { MusicFakerError } from '../../errors.ts'
import { csvCell } from '../../export/formats.ts'
import type { QueryResult } from '../../sql/sql.ts'
import { command } from '../command.ts'
import { escapeControls, formatTable } from '../format.ts'
import { requireTopic } from '../lake-paths.ts'
import type { Output } from '../output.ts'
import { day, requireOrder } from '../parse.ts'
import { LAKE_SETTINGS } from '../settings.ts'

/** Rows of a table are held in memory until its columns are as wide as they must be. */
const TABLE_ROWS = 1_000

export const sql = command({
  examples: [
    "sql 'select count(*), sum(duration) from events'",
    "sql 'select country, count(*) as plays from events group by country order by plays desc limit 10'",
    "sql --csv --from 2025-07-01 --to 2025-07-31 'select genre, count(*) from events group by all'",
  ],
  description:
    'Queries the committed events with DuckDB, as table "events" with the ten fields; timestamp is in UTC. A lake in a folder is read where it is; one in HDFS is first loaded into a temporary database, so narrow it by days.',
  operands: [{ name: 'QUERY', help: 'one statement of SQL, in quotes' }],
  options: {
    csv: { help: 'rows as CSV with a line of names' },
    from: { value: 'DAY', help: 'look at events of this UTC day and later only, such as 2025-07-01', parse: day },
    to: { value: 'DAY', help: 'look at events of this UTC day and earlier only', parse: day },
  },
  settings: LAKE_SETTINGS,
  async run({ config, out, openLake }, { operands, options }) {
    if (options.csv && out.json) {
      throw new MusicFakerError('USAGE', '--csv cannot stand with --json', { next: 'Leave one of them out.' })
    }
    requireOrder(options)
    const lake = await openLake()
    await requireTopic(lake, config.topic)
    const [{ lakeFolder }, { query }] = await Promise.all([import('../../profiles.ts'), import('../../sql/sql.ts')])
    const progress = out.progress({ unit: 'bytes' })
    await query(
      {
        lake,
        sql: operands[0] as string,
        root: lakeRoot(config.topic),
        folder: lakeFolder(config),
        from: options.from,
        until: options.to,
        onProgress: (bytes) => progress.update(bytes),
      },
      async (result) => {
        progress.end()
        if (out.json) await printJson(result, out)
        else if (options.csv) await printCsv(result, out)
        else await printTable(result, out)
      },
    )
  },
})

async function printJson({ columns, rows }: QueryResult, out: Output): Promise<void> {
  for await (const row of rows) await out.item(Object.fromEntries(columns.map((name, i) => [name, row[i]])), '')
}

async function printCsv({ columns, rows }: QueryResult, out: Output): Promise<void> {
  await out.write(`${columns.map(csvCell).join(',')}\n`)
  for await (const row of rows) await out.write(`${row.map((value) => csvCell(textOf(value))).join(',')}\n`)
}

async function printTable({ columns, rows }: QueryResult, out: Output): Promise<void> {
  const shown: unknown[][] = []
  let more = false
  for await (const row of rows) {
    more = shown.length === TABLE_ROWS
    if (more) break
    shown.push(row)
  }
  const numeric = columns.map((_, i) => i).filter((i) => shown.every((row) => typeof row[i] === 'number'))
  const cells = [columns, ...shown].map((row) => row.map((value) => escapeControls(textOf(value))))
  await out.write(`${formatTable(cells, numeric)}\n`)
  // Also with --quiet: a result that was cut must not pass for all of it.
  if (more) out.complain(`only the first ${TABLE_ROWS} rows are shown: --csv or --json gives all`)
}

function textOf(value: unknown): string {
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
