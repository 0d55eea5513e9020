/**
 * Makes the measured part of docs/PERFORMANCE.md anew from what bench/results holds: the block between two comments. What
 * stands around it is written by hand.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { clusterModel } from './model.ts'
import { memory, number, ratio, target, value } from './print.ts'
import { type BenchResult, type Figure, isMet, keepsToMemory } from './result.ts'

export interface StoredResult extends BenchResult {
  at: string
  machine: { node: string; cpu: string; cores: number; memoryGiB: number; system: string }
  /** Measured with --full. */
  full: boolean
}

export const RESULTS = join(import.meta.dirname, 'results')
const DOCUMENT = join(import.meta.dirname, '..', 'docs', 'PERFORMANCE.md')
const BEGIN = '<!-- measured: made by npm run bench, do not edit -->'
const END = '<!-- /measured -->'

/** In the order of the document. */
const SECTIONS = {
  archive: 'Archiving',
  produce: 'Producing',
  generate: 'Generating',
  read: 'What an event costs before it is written',
  embedded: 'Embedded, one process',
  latency: 'Latency at 1,000 events/s',
  dashboard: 'Dashboard',
  flat: 'Flat',
  scale: 'Scale-out',
} as const

/** Leaves what was not measured out. */
export function writeDocument(): void {
  const results = new Map<string, StoredResult>()
  for (const name of Object.keys(SECTIONS)) {
    const file = join(RESULTS, `${name}.json`)
    if (existsSync(file)) results.set(name, JSON.parse(readFileSync(file, 'utf8')) as StoredResult)
  }
  const document = readFileSync(DOCUMENT, 'utf8')
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`${DOCUMENT} has lost the comments around its measured part`)
  writeFileSync(DOCUMENT, `${document.slice(0, begin)}${BEGIN}\n${measured(results)}\n${document.slice(end)}`)
}

/** What is in the way by the way it is made, by the beginning of the figure's name. */
const LIMITS: Record<string, string> = {
  'npm start at rest':
    'four times a second what came is appended to the log and forced to the disk, and each partition commits every other second.',
}

function measured(results: ReadonlyMap<string, StoredResult>): string {
  if (results.size === 0) return '\nNothing has been measured yet: run `npm run bench`.'
  const parts = ['', machineLine([...results.values()])]
  for (const [name, title] of Object.entries(SECTIONS)) {
    const result = results.get(name)
    if (!result) continue
    parts.push('', `### ${title}`, '', ...(result.figures.length > 0 ? table(result.figures) : []))
    for (const failure of result.failures ?? []) parts.push('', `Not measured: ${failure}`)
  }
  const all = [...results.values()].flatMap(({ figures }) => figures)
  const missed = all.filter((figure) => isMet(figure) === false).map(missedLine)
  const large = all.filter((figure) => keepsToMemory(figure) === false).map(largeLine)
  parts.push('', '### Missed', '')
  parts.push(...(missed.length + large.length === 0 ? ['None.'] : [...missed, ...large]))
  parts.push('', '### What a cluster of 100 nodes would carry', '', ...clusterModel(results), '')
  return parts.join('\n')
}

function machineLine(results: readonly StoredResult[]): string {
  const last = results.toSorted((a, b) => (a.at < b.at ? -1 : 1)).at(-1)!
  const { node, cpu, cores, memoryGiB, system } = last.machine
  return `Measured on ${last.at.slice(0, 10)}: Node ${node}, ${cores} x ${cpu}, ${memoryGiB} GiB, ${system}; Kafka and HDFS of this project's pinned versions on the same cores.`
}

function table(figures: readonly Figure[]): string[] {
  const head = ['', 'figure', 'of its ceiling', 'ceiling', 'CPU s per million', 'peak MiB', 'target']
  const rows = figures.map((figure) => [
    figure.name,
    value(figure),
    ratio(figure),
    figure.ceiling?.name ?? '',
    figure.cpuSeconds === undefined ? '' : number(figure.cpuSeconds),
    memory(figure),
    target(figure),
  ])
  // A column that no row fills says nothing.
  const used = head.map((_, i) => i === 0 || rows.some((row) => row[i] !== ''))
  const text = (cells: readonly string[]) => `| ${cells.filter((_, i) => used[i]).join(' | ')} |`
  return [text(head), text(head.map(() => '---')), ...rows.map(text)]
}

function missedLine(figure: Figure): string {
  const { figure: goal, least } = figure.target!
  const by = Math.abs(1 - figure.figure / goal) * 100
  const missed = `- ${figure.name}: ${value(figure)}, where ${least ? 'at least' : 'at most'} ${number(goal)} is aimed at: ${number(by)} % off.`
  const limit = Object.entries(LIMITS).find(([name]) => figure.name.startsWith(name))?.[1]
  return [missed, coresLine(figure), limit && `What is in the way: ${limit}`].filter(Boolean).join(' ')
}

function largeLine(figure: Figure): string {
  const [peak, most] = [figure.peakMiB!, figure.memoryTarget!]
  return `- ${figure.name}: ${number(peak)} MiB of memory, where at most ${number(most)} is aimed at: ${number((peak / most - 1) * 100)} % off.`
}

/** How much of the machine the measured process had, where that is known: the services run on the same cores. */
function coresLine({ figure, unit, cpuSeconds }: Figure): string {
  if (cpuSeconds === undefined || unit !== 'events/s') return ''
  return `Its process kept ${number((figure * cpuSeconds) / 1e6)} cores busy.`
}
