import { type BatchLimits, REALTIME } from '../../archive/batch.ts'
import { lakeRoot } from '../../archive/layout.ts'
import { careOf } from '../../config.ts'
import { MusicFakerError } from '../../errors.ts'
import { ArchiveTalk, archiveSummaryText } from '../archive-talk.ts'
import { command } from '../command.ts'
import { oneOf, seconds, wholeNumber } from '../parse.ts'
import { LAKE_SETTINGS, LOG_SETTINGS } from '../settings.ts'

const DEFAULT_BATCH = 100_000
const DEFAULT_MAX_WAIT_S = 5

const parseMode = oneOf('realtime', 'batch')

export const consume = command({
  examples: ['consume -m realtime', 'consume -m batch -b 5', 'consume -m batch -b 50000 --once'],
  description:
    'Archives the log into the lake, each event exactly once, whatever is killed meanwhile. Several archivers of one group share the partitions.',
  options: {
    mode: {
      short: 'm',
      value: 'MODE',
      help: 'realtime (default): commit what has come at least every second; batch: files of --batch-size events',
      parse: parseMode,
    },
    batchSize: {
      short: 'b',
      value: 'N',
      help: `in batch mode, events per partition and file, at most (default ${DEFAULT_BATCH})`,
      parse: wholeNumber(1, 10_000_000),
    },
    maxWait: {
      value: 'SECONDS',
      help: `in batch mode, commit a partial batch after this long (default ${DEFAULT_MAX_WAIT_S})`,
      parse: seconds,
    },
    once: { help: 'archive what the log holds now, then end' },
    metricsPort: {
      value: 'PORT',
      help: 'serve Prometheus metrics of this process at /metrics of this port, and its state at /health',
      parse: wholeNumber(0, 65_535),
    },
    acceptGap: { help: 'go on over messages that the log has already deleted, and record the gap' },
  },
  settings: [...LOG_SETTINGS, ...LAKE_SETTINGS, 'group', 'host', 'batchBytes', 'compact', 'lateness', 'keep'],
  drains: true,
  async run({ config, out, signal, defer, openLog, openLake }, { options }) {
    const mode = options.mode ?? 'realtime'
    if (mode === 'realtime' && (options.batchSize !== undefined || options.maxWait !== undefined)) {
      throw new MusicFakerError('USAGE', '--batch-size and --max-wait belong to batch mode', { next: 'Add: -m batch' })
    }
    const limits: BatchLimits =
      mode === 'realtime'
        ? { ...REALTIME, bytes: config.batchBytes }
        : {
            messages: options.batchSize ?? DEFAULT_BATCH,
            bytes: config.batchBytes,
            ageMs: (options.maxWait ?? DEFAULT_MAX_WAIT_S) * 1_000,
          }
    const { ProcessMetrics } = await import('../../process-metrics.ts')
    const { ArchiverHealth } = await import('../../dashboard/archiver-health.ts')
    const metrics = new ProcessMetrics()
    const archiver = new ArchiverHealth(Date.now())
    const [log, lake] = [await openLog(), metrics.measured(await openLake())]
    await log.ensureTopic()
    out.say(
      `archiving topic ${config.topic} (${config.profile}) as group ${config.group}${options.once ? '' : '; Ctrl-C to stop'}`,
    )
    if (options.metricsPort !== undefined) {
      const { serveMetrics } = await import('../../dashboard/metrics-server.ts')
      const server = await serveMetrics({
        ...{ metrics, archiver, profile: config.profile },
        ...{ host: config.host, port: options.metricsPort },
      })
      defer(() => server.close())
      out.say(`metrics are at http://${config.host}:${server.port}/metrics`)
    }
    const talk = new ArchiveTalk(out)
    const { archive } = await import('../../archive/archiver.ts')
    const summary = await archive({
      log,
      lake,
      limits,
      signal,
      root: lakeRoot(config.topic),
      group: config.group,
      once: options.once,
      acceptGap: options.acceptGap,
      ...careOf(config),
      report: (event) => {
        metrics.archived(event)
        archiver.archived(event)
        talk.report(event)
      },
    })
    await out.result(summary, () => archiveSummaryText(summary))
  },
})
