import { ArchiveTalk, archiveSummaryText } from '../archive-talk.ts'
import { command } from '../command.ts'
import { formatCounted } from '../format.ts'
import { DASHBOARD_SETTINGS, LAKE_SETTINGS, LOG_SETTINGS } from '../settings.ts'
import { WaitTalk } from '../wait-talk.ts'
import { configuredRate } from './produce.ts'

export const start = command({
  examples: ['start', 'start --rate 500/s', 'start --profile cluster'],
  description:
    'Runs the whole pipeline in one process: a continuous flow of listeners into the log, the archiver, and the page. What is in the data folder is kept and continued.',
  settings: [
    ...LOG_SETTINGS,
    ...LAKE_SETTINGS,
    ...DASHBOARD_SETTINGS,
    'batchBytes',
    'compact',
    'lateness',
    'keep',
    'seed',
    'rate',
  ],
  drains: true,
  async run(context) {
    const { config, out, signal, verbose, openLog, openLake } = context
    configuredRate(context.loaded)
    const { servePage } = await import('../page.ts')
    const { runPipeline } = await import('../../pipeline.ts')
    const { ProcessMetrics } = await import('../../process-metrics.ts')
    const { ArchiverHealth } = await import('../../dashboard/archiver-health.ts')
    const metrics = new ProcessMetrics()
    const archiver = new ArchiverHealth(Date.now())
    const [log, lake] = [await openLog(), metrics.measured(await openLake())]
    await log.ensureTopic()
    const server = await servePage(context, log, lake, { metrics, archiver })
    await out.item({ url: server.url }, `the page is at ${server.url}`)
    out.say(`${config.rate} events flow through ${placeText(config)}; Ctrl-C to stop`)
    // Commits by the second belong on the page, not on the terminal.
    const talk = new ArchiveTalk(out, { commits: verbose })
    const producing = new WaitTalk((line) => out.say(line))
    const summary = await runPipeline({
      config,
      log,
      lake,
      signal,
      onArchive: (event) => {
        metrics.archived(event)
        archiver.archived(event)
        talk.report(event)
      },
      onRetry: (error) => producing.waits('producer', error),
      onAcknowledged: () => producing.goesOn('producer'),
    })
    await out.item(
      summary,
      () => `produced ${formatCounted(summary.produced, 'event')}\n${archiveSummaryText(summary.archived)}`,
    )
  },
})

function placeText(config: {
  profile: string
  dataDir: string
  kafkaBrokers: string[]
  hdfsNamenodes: string[]
}): string {
  return config.profile === 'embedded'
    ? config.dataDir
    : `Kafka at ${config.kafkaBrokers.join(', ')} and HDFS at ${config.hdfsNamenodes.join(', ')}`
}
