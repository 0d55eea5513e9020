/** What a torture has come to: for people, for programs, and for docs/GUARANTEES.md. */
import type { Verdict } from '../oracle.ts'
import type { Done } from './torment.ts'

export interface TortureResult {
  /** Every event once, and nothing else went wrong. */
  clean: boolean
  /** What went wrong. */
  problems: string[]
  /** ISO 8601, UTC. */
  begun: string
  minutes: number
  seed: number
  /** Events per second and producer that were asked for. */
  rate: number
  machine: string
  /** How often each was done. */
  acts: Record<string, number>
  /** Undefined where the proof failed. */
  lake:
    | { events: number; beyondLedgers: number; quarantined: number; records: number; files: number; bytes: number }
    | undefined
  /** Producers that were started, one after the other. */
  producers: number
  /** The longest time without a commit, and what was done to the system then. */
  longestPause: { seconds: number; during: string[] }
  dashboard: { polls: number; answers: number }
  /** Peak, MiB, of the largest process of each kind. */
  memory: Record<string, number>
  /** Seconds that the proof took. */
  proofSeconds: number
}

/**
 * @param commits epoch milliseconds, in any order
 * @param acts those that went on at any time of the pause are told, each once
 */
export function longestPause(commits: readonly number[], acts: readonly Done[]): TortureResult['longestPause'] {
  const sorted = [...commits].sort((a, b) => a - b)
  let [from, to] = [0, 0]
  for (const [i, at] of sorted.entries()) {
    const before = sorted[i - 1] ?? at
    if (at - before > to - from) [from, to] = [before, at]
  }
  const during = acts.filter(({ begin, end }) => begin < to && end > from).map(({ name }) => name)
  return { seconds: (to - from) / 1000, during: [...new Set(during)].sort() }
}

export function countActs(acts: readonly Done[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { name } of acts) counts[name] = (counts[name] ?? 0) + 1
  return Object.fromEntries(Object.entries(counts).sort(([, a], [, b]) => b - a))
}

export function lakeOf(verdict: Verdict | undefined): TortureResult['lake'] {
  if (verdict === undefined) return undefined
  const { count, beyondLedgers, quarantined, records, files, bytes } = verdict
  return { events: count, beyondLedgers, quarantined, records, files, bytes }
}

/** Rows of name and value, as people read them. */
export function rowsOf(result: TortureResult): [string, string][] {
  const { lake, longestPause, dashboard, memory } = result
  const n = (count: number) => count.toLocaleString('en-US')
  const acts = Object.entries(result.acts)
  return [
    ['result', result.clean ? 'clean: every event once' : `NOT CLEAN: ${n(result.problems.length)} problems`],
    ['begun, length', `${result.begun.slice(0, 16).replace('T', ' ')} UTC, ${result.minutes} minutes`],
    ['machine', result.machine],
    [
      'acts',
      `${n(acts.reduce((sum, [, count]) => sum + count, 0))}: ${acts.map(([name, count]) => `${name} ${count}`).join(', ')}`,
    ],
    ['producers, one after the other', `${n(result.producers)}, of ${n(result.rate)} events/s each`],
    ...(lake === undefined ? [] : lakeRows(lake)),
    [
      'longest time without a commit',
      `${longestPause.seconds.toFixed(1)} s, during: ${longestPause.during.join(', ') || 'nothing'}`,
    ],
    ['dashboard', `${n(dashboard.polls)} requests, ${n(dashboard.answers)} answered, its total never went back`],
    [
      'peak memory',
      Object.entries(memory)
        .map(([what, mib]) => `${what} ${mib} MiB`)
        .join(', '),
    ],
    ['seconds for the proof', result.proofSeconds.toFixed(0)],
    ['seed', String(result.seed)],
  ]
}

function lakeRows(lake: NonNullable<TortureResult['lake']>): [string, string][] {
  const n = (count: number) => count.toLocaleString('en-US')
  return [
    [
      'events in the lake',
      `${n(lake.events)}, of which ${n(lake.beyondLedgers)} of producers killed before they could note them`,
    ],
    ['messages in quarantine', n(lake.quarantined)],
    ['commit records', n(lake.records)],
    ['files', `${n(lake.files)}, ${n(Math.round(lake.bytes / 1_048_576))} MiB`],
  ]
}
