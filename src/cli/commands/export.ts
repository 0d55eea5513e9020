import { resolve } from 'node:path'
import { lakeRoot } from '../../archive/layout.ts'
import { hasCode, MusicFakerError } from '../../errors.ts'
import type { ExportReport } from '../../export/export.ts'
import { FORMATS, type Format } from '../../export/formats.ts'
import type { LakeStorage } from '../../lake/storage.ts'
import { command } from '../command.ts'
import { formatBytes, formatCount, formatCounted } from '../format.ts'
import { requireTopic } from '../lake-paths.ts'
import type { Output } from '../output.ts'
import { day, oneOf, requireOrder } from '../parse.ts'
import { LAKE_SETTINGS } from '../settings.ts'

const parseFormat = oneOf(...FORMATS)

export const exportCommand = command({
  examples: [
    'export --format parquet ./export',
    'export --open --format parquet --delta ./table',
    'export --format jsonl.zst --from 2025-07-01 --to 2025-07-31 ./july',
  ],
  description:
    'Copies the events of sealed days to files of another format in folders year=/month=/day=, each event once: a second run adds what is new, and one that was cut off is finished by the next. DEST is a folder of this machine, or hdfs:/PATH in the configured HDFS.',
  operands: [{ name: 'DEST', help: 'folder, or hdfs:/PATH; made where it is missing' }],
  options: {
    format: {
      value: 'FORMAT',
      help: 'parquet (default; zstd, typed), csv, jsonl.gz or jsonl.zst',
      parse: parseFormat,
    },
    from: { value: 'DAY', help: 'events of this UTC day and later, such as 2025-07-01', parse: day },
    to: { value: 'DAY', help: 'events of this UTC day and earlier', parse: day },
    open: { help: 'take days that are not sealed yet as well; what comes of them later makes further files' },
    delta: { help: 'with parquet: keep a Delta Lake log in DEST as well' },
  },
  settings: LAKE_SETTINGS,
  drains: true,
  async run({ config, out, signal, defer, openLake }, { operands, options }) {
    const format = options.format ?? 'parquet'
    if (options.delta && format !== 'parquet') {
      throw new MusicFakerError('USAGE', `--delta cannot stand with --format ${format}`, {
        next: 'A Delta table is of Parquet files: leave --format out.',
      })
    }
    requireOrder(options)
    const [{ openDestination }, { exportLake }] = await Promise.all([
      import('../../profiles.ts'),
      import('../../export/export.ts'),
    ])
    const lake = await openLake()
    await requireTopic(lake, config.topic)
    const { storage, root: to } = await openDestination(config, operands[0] as string)
    defer(() => storage.close())
    const progress = out.progress()
    const report = await exportLake({
      lake,
      root: lakeRoot(config.topic),
      destination: storage,
      to,
      format,
      from: options.from,
      until: options.to,
      open: options.open,
      delta: options.delta,
      signal,
      onRetry: (error) => out.say(`waiting: ${error.message}`),
      onProgress: (events) => progress.update(events),
    }).catch(async (error) => {
      // A destination that cannot be read any more is no reason to end otherwise than as told.
      if (signal.aborted) await tellStopped(out, operands[0] as string, heldBy(storage, to, format)).catch(() => {})
      throw deniedIn(operands[0] as string, error) ?? error
    })
    progress.end()
    await out.result(report, () => {
      const { events, files, bytes, waiting, deltaVersion } = report
      const exported = `exported ${formatCounted(events, 'event')} to ${formatCounted(files, 'file')} (${formatBytes(bytes)}) in ${operands[0]}`
      const version = deltaVersion === null ? '' : `; Delta version ${deltaVersion}`
      return [`${events === 0 ? 'nothing new to export' : exported}${version}`, ...waitingLine(waiting)].join('\n')
    })
  },
})

/** The destination that is not to be written to, as it was typed: to its storage, paths begin at the folder around it. */
function deniedIn(typed: string, error: unknown): MusicFakerError | undefined {
  const cause = hasCode(error, 'LAKE_DENIED') ? (error.cause as NodeJS.ErrnoException) : undefined
  if (cause?.path !== resolve(typed) && !cause?.path?.startsWith(`${resolve(typed)}/`)) return undefined
  return new MusicFakerError('LAKE_DENIED', `cannot export to ${typed}: ${cause.message}`, {
    cause,
    next: 'Give a folder that this user may write to, where no file is in the way.',
  })
}

async function tellStopped(out: Output, destination: string, holds: ReturnType<typeof heldBy>): Promise<void> {
  const { events, files, bytes } = await holds
  await out.result({ stopped: true, destination: { events, files, bytes } }, () => {
    const held = `${formatCounted(events, 'event')} in ${formatCounted(files, 'file')} (${formatBytes(bytes)})`
    return `stopped before the end: ${destination} holds ${held}; run it again to go on`
  })
}

/** What exports have brought to a destination so far, in one format. */
async function heldBy(destination: LakeStorage, to: string, format: Format) {
  const { committedFiles } = await import('../../archive/files.ts')
  const held = { events: 0, files: 0, bytes: 0 }
  for await (const { topicId, events, bytes } of committedFiles(destination, to)) {
    if (topicId !== format) continue
    held.events += events
    held.files++
    held.bytes += bytes
  }
  return held
}

function waitingLine(waiting: ExportReport['waiting']): string[] {
  const [oldest, newest] = [waiting[0]?.day, waiting.at(-1)?.day]
  if (oldest === undefined) return []
  const events = formatCounted(
    waiting.reduce((sum, day) => sum + day.events, 0),
    'event',
  )
  const days =
    waiting.length === 1
      ? `of ${oldest} wait until it is`
      : `of ${formatCount(waiting.length)} days, ${oldest} to ${newest}, wait until these are`
  return [`${events} ${days} sealed; --open takes them as they are`]
}
