/** Which records of commit logs are to be restored, and to what, from what is beside them and the files that no record names. */
import type { Joining } from '../archive/commits.ts'
import { readHead } from '../archive/head.ts'
import { baseName, partitionCommits, recordName, recordSeq } from '../archive/layout.ts'
import type { CommitRecord } from '../archive/record.ts'
import { hasCode } from '../errors.ts'
import { parentOf } from './path.ts'
import { lostCompactions } from './repair-compactions.ts'
import { type Draft, LOST_RECORD, type Place, type Stray, unlessBroken } from './repair-draft.ts'
import { nowhere, type Range, remake } from './repair-files.ts'
import { fillHole, fillWithCompactions, type Hole, type LostRecord } from './repair-records.ts'
import { isSound, readAtOf } from './repair-sums.ts'
import type { ProblemKind } from './verify-report.ts'

/** Adds to the draft what is to be done about lost records, and the files that have to stay for them. */
export function planRecords(draft: Draft): Promise<void> {
  return new RecordPlanner(draft).run()
}

class RecordPlanner {
  readonly #draft: Draft
  /** Compactions whose records are lost, by the folder of their log. */
  #compactions = new Map<string, Joining[]>()

  constructor(draft: Draft) {
    this.#draft = draft
  }

  async run(): Promise<void> {
    const { of, strays } = this.#draft
    this.#compactions = await lostCompactions(of.lake, of.report.problems, strays)
    await this.#planHoles()
    await this.#planLostHeads()
  }

  async #planHoles(): Promise<void> {
    const lost = new Map<string, number[]>()
    for (const { kind, path } of this.#draft.of.report.problems) {
      const seq = LOST_RECORD.includes(kind) ? recordSeq(baseName(path)) : undefined
      if (seq !== undefined) lost.set(parentOf(path), [...(lost.get(parentOf(path)) ?? []), seq])
    }
    for (const [folder, numbers] of lost) {
      const place = placeOf(folder)
      const joins = this.#compactions.get(folder) ?? []
      this.#compactions.delete(folder)
      const isAll = joins.length === new Set(numbers).size
      for (const [from, to] of runsOf(numbers)) {
        await this.#planHole(place, from, to, isAll ? joins.splice(0, to - from + 1) : [])
      }
    }
  }

  /** @param joins what the records said, if all of them were compactions */
  async #planHole(place: Place, from: number, to: number, joins: readonly Joining[]): Promise<void> {
    const [before, after] = [await this.#neighbour(place, from - 1), await this.#neighbour(place, to + 1)]
    if (before === 'unknown' || after === 'unknown' || (from > 1 && !before)) {
      return this.#leaveHole(place, from, 'the records beside it cannot be read either', 0, Number.MAX_SAFE_INTEGER)
    }
    const compactions = joins.length > 0 && fillWithCompactions({ from, to, before, after }, joins)
    if (compactions) this.#planCompactions(place, compactions, after === undefined)
    else await this.#fill(place, { from, to, before, after })
  }

  #planCompactions(place: Place, records: LostRecord[], isHead: boolean): void {
    const joins = records.flatMap((record) => (record.kind === 'compaction' ? record.joining : []))
    for (const { joined, files } of joins) {
      this.#draft.kept.add(joined.path)
      for (const file of files) this.#draft.joined.add(file.path)
    }
    for (const { seq } of records) this.#draft.replaced.add(this.#record(place, seq))
    const path = this.#record(place, records[0]!.seq)
    const detail = joins
      .map(({ joined, files }) => `a compaction of ${files.length} files to ${joined.path}`)
      .join(', then ')
    const step = { action: 'restore_records', place, records, isHead } as const
    this.#draft.steps.push({ ...step, strays: [], kind: this.#kindOf(path), path, detail })
  }

  async #fill(place: Place, hole: Hole): Promise<void> {
    const { from, before, after } = hole
    const [first, next] = [before?.next ?? 0, after?.first ?? Number.MAX_SAFE_INTEGER]
    const ofPartition = this.#draft.strays.filter(({ partition }) => partition === place.partition)
    const records = fillHole(hole, (at) => ofPartition.find((stray) => stray.first === at && stray.next <= next)?.next)
    if (typeof records === 'string') return this.#leaveHole(place, from, records, first, next)
    // Whatever is joined is of offsets before: where the record may have been a compaction, nothing tells of which files.
    const joined = ofPartition.some((stray) => before !== undefined && stray.next <= first)
    if (joined && records.some(({ kind }) => kind === 'claim')) {
      return this.#leaveHole(place, from, 'it may have been a compaction: restore it from a backup', 0, first)
    }
    const strays: Stray[] = []
    for (const record of records) {
      const gone =
        record.kind === 'void'
          ? this.#draft.of.holdings.lacks({ ...place, first: record.first, next: record.first })
          : undefined
      if (gone) return this.#leaveHole(place, from, gone, first, next)
      if (record.kind !== 'batch') continue
      const own = ofPartition.filter((stray) => stray.first === record.first && stray.next === record.next)
      const why = await this.#unproven({ ...place, first: record.first, next: record.next }, own)
      if (why) return this.#leaveHole(place, from, why, first, next)
      strays.push(...own)
    }
    for (const { path } of strays) this.#draft.kept.add(path)
    for (const { seq } of records) this.#draft.replaced.add(this.#record(place, seq))
    const said = records.map(({ kind, ...of }) => told(kind, of.first, of.next, strays.length)).join(', then ')
    const isHead = after === undefined
    const path = this.#record(place, from)
    this.#draft.steps.push({
      kind: this.#kindOf(path),
      action: 'restore_records',
      path,
      detail: said,
      place,
      records,
      strays,
      isHead,
    })
  }

  #leaveHole(place: Place, seq: number, why: string, first: number, next: number): void {
    const path = this.#record(place, seq)
    const own = this.#draft.strays.filter(
      (stray) => stray.partition === place.partition && stray.first < next && stray.next > first,
    )
    for (const stray of own) this.#draft.kept.add(stray.path)
    const end = next < Number.MAX_SAFE_INTEGER ? next : Math.max(first, ...own.map((stray) => stray.next))
    this.#draft.left.push({
      kind: this.#kindOf(path),
      path,
      why,
      ...(end > first && { offsets: { ...place, first, next: end } }),
    })
  }

  /** A head that is gone is no problem of its own: only its files tell. */
  #kindOf(record: string): ProblemKind {
    return this.#draft.of.report.problems.find(({ path }) => path === record)?.kind ?? 'record_missing'
  }

  /** Why the files of a lost record are not what the log holds in its range, or undefined when each is to the last byte. */
  async #unproven(range: Range, strays: readonly Stray[]): Promise<string | undefined> {
    const { lake, root, holdings, now } = this.#draft.of
    const lacks = holdings.lacks(range)
    if (lacks) return lacks
    const made = await remake(holdings, range, await readAtOf(lake, strays, now), {
      lake: nowhere(),
      root,
      folder: '/',
    })
    for (const { path, day } of strays) {
      const file = made.files.find((other) => other.day === day)
      if (!file || !(await isSound(lake, path, file))) return `${path} is not what the log holds there`
    }
    return undefined
  }

  /** Files whose offsets follow the last record: of records that were the last. */
  async #planLostHeads(): Promise<void> {
    const { lake, root, report } = this.#draft.of
    for (const { topicId, partition, next } of report.partitions) {
      const folder = partitionCommits(root, topicId, partition)
      if (this.#draft.steps.some(({ path }) => parentOf(path) === folder)) continue
      const joins = this.#compactions.get(folder) ?? []
      const last = joins.length > 0 ? await unlessBroken(() => readHead(lake, root, topicId, partition)) : undefined
      if (last) {
        const hole = { from: last.seq + 1, to: last.seq + joins.length, before: last, after: undefined }
        this.#planCompactions({ topicId, partition }, fillWithCompactions(hole, joins)!, true)
        continue
      }
      let [at, count] = [next, 0]
      const following = () =>
        this.#draft.strays.find(
          ({ path, ...of }) => of.partition === partition && of.first === at && !this.#draft.kept.has(path),
        )
      for (let stray = following(); stray; stray = following()) [at, count] = [stray.next, count + 1]
      const head = count > 0 ? await unlessBroken(() => readHead(lake, root, topicId, partition)) : undefined
      if (head?.next !== next) continue
      const hole = { from: head.seq + 1, to: head.seq + count, before: head, after: undefined }
      await this.#fill({ topicId, partition }, hole)
    }
  }

  /** The record of this number; 'unknown' when it is there but cannot be understood. */
  async #neighbour(place: Place, seq: number): Promise<CommitRecord | 'unknown' | undefined> {
    if (seq === 0) return undefined
    try {
      return await this.#draft.read(this.#record(place, seq))
    } catch (error) {
      if (hasCode(error, 'COMMIT_CORRUPT', 'COMMIT_UNKNOWN_FORMAT')) return 'unknown'
      throw error
    }
  }

  #record({ topicId, partition }: Place, seq: number): string {
    return `${partitionCommits(this.#draft.of.root, topicId, partition)}/${recordName(seq)}`
  }
}

function placeOf(folder: string): Place {
  const [topicId, partition] = folder.split('/').slice(-2) as [string, string]
  return { topicId, partition: Number(partition.slice(1)) }
}

/** `[from, to]` of each run of numbers that follow each other. */
function runsOf(numbers: readonly number[]): [number, number][] {
  const runs: [number, number][] = []
  for (const n of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last && last[1] === n - 1) last[1] = n
    else runs.push([n, n])
  }
  return runs
}

function told(kind: LostRecord['kind'], first: number, next: number, files: number): string {
  if (kind === 'claim') return 'a claim'
  if (kind === 'void') return `nothing in the lake belongs to it: offsets from ${first} on are read again`
  const from = files > 0 ? `, proven by ${files} of its files and the log` : ', made again from the log'
  return `a batch of offsets ${first} to ${next - 1}${from}`
}
