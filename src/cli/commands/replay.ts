import { lakeRoot } from '../../archive/layout.ts'
import { MusicFakerError } from '../../errors.ts'
import { parseSpeed } from '../../generate/pacing.ts'
import { SETTINGS } from '../../settings.ts'
import { command } from '../command.ts'
import { formatCounted } from '../format.ts'
import { requireTopic } from '../lake-paths.ts'
import { moment, requireOrder } from '../parse.ts'
import { LAKE_SETTINGS, LOG_SETTINGS } from '../settings.ts'

export const replay = command({
  examples: [
    'replay --into again',
    'replay --from 2025-07-01 --to 2025-07-02 --into july-1',
    'replay --from 2025-07-01T18:00:00 --to 2025-07-01T22:00:00 --speed 60x --into evening',
  ],
  description:
    'Writes committed events of the lake to a topic of the log again, as they are, in the order of their times. The topic is created where it is missing. The first Ctrl-C waits for what was sent and says how far it came. Running it again writes the events again.',
  options: {
    into: { value: 'TOPIC', help: 'topic that takes the events; another than the one of the lake', parse: topicName },
    from: { value: 'TIME', help: 'events of this time (UTC) and later, such as 2025-07-03T20:00:00', parse: moment },
    to: { value: 'TIME', help: 'events before this time (UTC)', parse: moment },
    speed: {
      value: 'FACTOR',
      help: 'pace, such as 60x; as fast as the log takes them when left out',
      parse: parseSpeed,
    },
  },
  settings: [...LOG_SETTINGS, ...LAKE_SETTINGS],
  drains: true,
  async run({ config, out, signal, openLog, openLake }, { options }) {
    const { into, speed } = options
    if (into === undefined || into === config.topic) {
      throw new MusicFakerError('USAGE', into === undefined ? '--into is missing' : `--into is the lake's own topic`, {
        next: 'Give another topic, such as --into again: in its own, every event would be archived a second time.',
      })
    }
    requireOrder(options)
    const lake = await openLake()
    await requireTopic(lake, config.topic)
    const log = await openLog({ topic: into })
    await log.ensureTopic()
    const progress = out.progress()
    const { replay: replayLake } = await import('../../replay/replay.ts')
    const summary = await replayLake({
      lake,
      log,
      speed,
      signal,
      root: lakeRoot(config.topic),
      from: options.from ?? Number.NEGATIVE_INFINITY,
      to: options.to ?? Number.POSITIVE_INFINITY,
      onProgress: (events) => progress.update(events),
    })
    progress.end()
    await out.result(summary, () => {
      const { events, first, last, stopped } = summary
      const span = first === null ? '' : `, from ${first} to ${last}`
      return `replayed ${formatCounted(events, 'event')} into ${into}${span}${stopped ? '; stopped before the end' : ''}`
    })
  },
})

function topicName(value: string): string {
  const result = SETTINGS.topic.schema.safeParse(value)
  if (result.success) return result.data
  throw new MusicFakerError('USAGE', `"${value}" is not the name of a topic`, {
    next: `It ${result.error.issues[0]?.message ?? 'is refused'}.`,
  })
}
