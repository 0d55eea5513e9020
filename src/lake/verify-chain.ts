import type { Checkpoint } from '../archive/checkpoint.ts'
import { combineCrc32, crcText } from '../archive/crc32.ts'
import { dayFolder, lakeRoot, quarantineFolder, stagingFolder } from '../archive/layout.ts'
import {
  addedTo,
  type BatchRecord,
  type CommitRecord,
  type CompactionRecord,
  quarantinedCount,
} from '../archive/record.ts'
import { parentOf } from './path.ts'
import { type Counts, type Findings, noCounts } from './verify-report.ts'

export interface Place {
  root: string
  topicId: string
  partition: number
}

/**
 * The rules that the records of one partition keep among each other. Reads nothing.
 *
 * After a record that cannot be read, position and fence are unknown: the next record is believed, so that one damage is
 * reported once.
 */
export class RecordChain {
  readonly place: Place
  readonly counts: Counts = noCounts()
  readonly #findings: Findings
  #next = 0
  #nextKnown = true
  #claim: { seq: number; owner: string } | undefined
  #claimKnown = true

  constructor(place: Place, findings: Findings) {
    this.place = place
    this.#findings = findings
  }

  /** Goes on from a checkpoint, which sums up the records before. */
  begin({ topic, topicId, partition, seq, next, fence, owner, totals }: Checkpoint, path: string): void {
    const { root, ...place } = this.place
    const says = `${lakeRoot(topic)} ${topicId} p${partition}`
    const is = `${root} ${place.topicId} p${place.partition}`
    if (says !== is) this.#findings.add('record_misplaced', path, `the checkpoint says ${says}`)
    const { records, events, skipped, gaps, files, bytes } = totals
    const quarantined = quarantinedCount(totals)
    Object.assign(this.counts, { records, events, quarantined, skipped, gaps, files, bytes } satisfies Counts)
    if (events + quarantined + skipped + gaps !== next || records !== seq) {
      const detail = `${events} events, ${quarantined} quarantined, ${skipped} skipped and ${gaps} lost in ${records} records do not make ${next} offsets in ${seq}`
      this.#findings.add('checkpoint_inconsistent', path, detail)
    }
    this.#next = next
    this.#claim = { seq: fence, owner }
  }

  /** The first offset that no record covers. */
  get next(): number {
    return this.#next
  }

  /** A number without a readable record. */
  skip(): void {
    this.#nextKnown = false
    this.#claimKnown = false
  }

  /** Checks the record against those before it and counts it. */
  accept(record: CommitRecord, seq: number, path: string): void {
    this.#checkPlace(record, seq, path)
    this.#checkOffsets(record, path)
    this.#checkFence(record, path)
    if (record.kind === 'batch') this.#checkBatch(record, path)
    if (record.kind === 'compaction') this.#checkJoined(record, path)
    this.#count(record)
    this.#next = Math.max(record.next, this.#next)
    this.#nextKnown = true
  }

  #checkPlace(record: CommitRecord, seq: number, path: string): void {
    const { root, topicId, partition } = this.place
    const says = `${lakeRoot(record.topic)} ${record.topicId} p${record.partition} number ${record.seq}`
    const is = `${root} ${topicId} p${partition} number ${seq}`
    if (says !== is) this.#findings.add('record_misplaced', path, `the record says ${says}`)
  }

  #checkOffsets({ kind, first, next }: CommitRecord, path: string): void {
    if (this.#nextKnown && first > this.#next) {
      this.#findings.add('offset_gap', path, `begins at ${first}: no record covers [${this.#next}, ${first})`)
    }
    if (this.#nextKnown && first < this.#next) {
      this.#findings.add('offset_overlap', path, `begins at ${first}, but offsets up to ${this.#next} were covered`)
    }
    const wrong = kind === 'batch' ? next < first : kind === 'gap' ? next <= first : next !== first
    if (wrong) this.#findings.add('record_inconsistent', path, `a ${kind} cannot cover [${first}, ${next})`)
  }

  #checkFence(record: CommitRecord, path: string): void {
    const { kind, seq, fence, owner } = record
    if (kind === 'claim') {
      if (fence !== seq) this.#findings.add('fence_violated', path, `claim ${seq} names the fence ${fence}`)
      this.#claim = { seq, owner }
      this.#claimKnown = true
    } else if (this.#claimKnown && (fence !== this.#claim?.seq || owner !== this.#claim.owner)) {
      const claim = this.#claim ? `claim ${this.#claim.seq} by ${this.#claim.owner}` : 'no claim'
      this.#findings.add('fence_violated', path, `written under fence ${fence} by ${owner}, after ${claim}`)
    }
  }

  #checkBatch(record: BatchRecord, path: string): void {
    const { first, next, events, skipped, files } = record
    const quarantined = quarantinedCount(record)
    const lines = (wanted: (day: string | null) => boolean) =>
      files.reduce((sum, file) => sum + (wanted(file.day) ? file.events : 0), 0)
    const inDays = lines((day) => day !== null)
    const inQuarantine = lines((day) => day === null)

    const wrong: string[] = []
    if (events + quarantined + skipped !== next - first) {
      wrong.push(
        `${events} events, ${quarantined} quarantined and ${skipped} skipped do not make ${next - first} offsets`,
      )
    }
    if (inDays !== events) wrong.push(`its files hold ${inDays} events, not ${events}`)
    if (inQuarantine !== quarantined) wrong.push(`its files hold ${inQuarantine} quarantined, not ${quarantined}`)
    if (record.summary.events !== events)
      wrong.push(`its summary counts ${record.summary.events} events, not ${events}`)
    for (const file of files) {
      if (!this.#isInPlace(file)) wrong.push(`${file.staged} for ${file.path} is not where a file of its day belongs`)
    }
    for (const detail of wrong) this.#findings.add('record_inconsistent', path, detail)
  }

  /** The joined file is what its files are one after the other, of the same folder. */
  #checkJoined({ joined, files }: CompactionRecord, path: string): void {
    let [crc, bytes, events, parts] = [0, 0, 0, 0]
    for (const file of files) {
      crc = combineCrc32(crc, Number.parseInt(file.crc32, 16), file.bytes)
      bytes += file.bytes
      events += file.events
      parts += file.parts
    }
    const sum = `${events} lines in ${bytes} bytes of ${parts} batches, CRC-32 ${crcText(crc)}`
    const says = `${joined.events} lines in ${joined.bytes} bytes of ${joined.parts.length} batches, CRC-32 ${joined.crc32}`
    const wrong: string[] = []
    if (sum !== says) wrong.push(`joins ${sum} to ${says}`)
    let after = 0
    for (const [first, next] of joined.parts) {
      if (first < after || next < first) wrong.push(`its offsets [${first}, ${next}) come after ${after}`)
      after = next
    }
    for (const file of files) {
      if (parentOf(file.path) !== parentOf(joined.path))
        wrong.push(`${file.path} is of another folder than ${joined.path}`)
    }
    if (!this.#isInPlace(joined)) wrong.push(`${joined.path} is not where a file of its day belongs`)
    for (const detail of wrong) this.#findings.add('record_inconsistent', path, detail)
  }

  #isInPlace({ day, path, staged }: { day: string | null; path: string; staged?: string | undefined }): boolean {
    const { root } = this.place
    const folder = parentOf(path)
    const inDay = day === null ? parentOf(folder) === quarantineFolder(root) : folder === dayFolder(root, day)
    return inDay && (staged === undefined || staged.startsWith(`${stagingFolder(root)}/`))
  }

  #count(record: CommitRecord): void {
    const { counts } = this
    counts.records++
    if (record.kind === 'gap') counts.gaps += Math.max(0, record.next - record.first)
    const { files, bytes } = addedTo(record)
    counts.files += files
    counts.bytes += bytes
    if (record.kind !== 'batch') return
    counts.events += record.events
    counts.quarantined += quarantinedCount(record)
    counts.skipped += record.skipped
  }
}
