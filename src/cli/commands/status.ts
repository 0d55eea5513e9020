import { lakeRoot } from '../../archive/layout.ts'
import { quarantinedCount } from '../../archive/record.ts'
import type { DayState } from '../../archive/seal.ts'
import type { TopicDescription } from '../../log/log.ts'
import type { PartitionState } from '../../stats/follower.ts'
import { command } from '../command.ts'
import { formatBytes, formatCount, formatTable } from '../format.ts'
import { PROGRAM } from '../program-name.ts'
import { LAKE_SETTINGS, LOG_SETTINGS } from '../settings.ts'

const DAYS_SHOWN = 7

export interface PartitionStatus {
  partition: number
  /** Offsets `[start, end)` are in the log. */
  start: number
  end: number
  /** Offsets below this are in the lake. */
  archived: number
  lag: number
  /** ISO 8601, UTC; null before the first commit. */
  committedAt: string | null
  /** The archiver that wrote the last record. */
  owner: string | null
}

export const status = command({
  examples: ['status', 'status --json', 'status --profile cluster'],
  description: 'Lag is what the log holds and the lake does not. The totals are of the lake, over all its time.',
  settings: [...LOG_SETTINGS, ...LAKE_SETTINGS],
  async run({ config, out, openLog, openLake }) {
    const { LakeFollower } = await import('../../stats/follower.ts')
    const [log, lake] = [await openLog(), await openLake()]
    const described = await log.describe()
    const follower = new LakeFollower({ lake, root: lakeRoot(config.topic) })
    await follower.refresh()
    const partitions = partitionStatus(described, follower.partitions())
    const { events, files, bytes, quarantined, gaps, removed } = follower.totals.snapshot()
    const lag = partitions.reduce((sum, partition) => sum + partition.lag, 0)
    const bad = quarantinedCount({ quarantined })
    const problems = follower.problems()
    const { topic, profile } = config
    const { dayStates } = await import('../../archive/seal.ts')
    const days = await dayStates(lake, lakeRoot(topic), DAYS_SHOWN)
    const result = {
      topic,
      profile,
      topicId: described.topicId,
      lag,
      partitions,
      events,
      files,
      bytes,
      quarantined,
      gaps,
      removed,
      days,
      problems,
    }
    await out.result(result, () =>
      [
        `topic ${topic} (${profile}), id ${described.topicId}`,
        formatTable(
          [
            ['partition', 'log', 'archived', 'lag', 'last commit (UTC)'],
            ...partitions.map(({ partition, start, end, archived, lag: waiting, committedAt }) => [
              String(partition),
              `${formatCount(start)} to ${formatCount(end)}`,
              formatCount(archived),
              formatCount(waiting),
              committedAt?.replace('T', ' ').slice(0, 19) ?? 'never',
            ]),
          ],
          [0, 2, 3],
        ),
        `${formatCount(lag)} messages wait between log and lake`,
        `the lake holds ${formatCount(events)} events in ${formatCount(files)} files, ${formatBytes(bytes)}; ${formatCount(bad)} messages quarantined`,
        ...(removed.events + removed.quarantined > 0
          ? [
              `${formatCount(removed.events)} events and ${formatCount(removed.quarantined)} quarantined messages of these are no longer kept`,
            ]
          : []),
        ...(days.length > 0 ? [`newest days: ${days.map(dayText).join(', ')}`] : []),
        ...problems.map((problem) => `PROBLEM: ${problem.message}`),
        ...(problems.length > 0 ? [`all that is wrong, and how to mend it: ${PROGRAM} verify`] : []),
      ].join('\n'),
    )
  },
})

function dayText({ day, state, seal }: DayState): string {
  return state === 'late' ? `${day} sealed, ${formatCount(seal?.late ?? 0)} events late` : `${day} ${state}`
}

/** Sets the log's partitions beside what the lake holds of the same lineage. Pure. */
export function partitionStatus(described: TopicDescription, archived: readonly PartitionState[]): PartitionStatus[] {
  return [...described.partitions].map(([partition, { start, end }]) => {
    const state = archived.find((one) => one.topicId === described.topicId && one.partition === partition)
    const next = state?.next ?? 0
    return {
      partition,
      start,
      end,
      archived: next,
      lag: Math.max(0, end - Math.max(next, start)),
      committedAt: state?.committedAt ?? null,
      owner: state?.owner ?? null,
    }
  })
}
