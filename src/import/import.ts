/**
 * Takes files of the Python version into the lake, each line once, however often it is run and wherever it is cut off.
 *
 * The files are read as a log is: a plan gives each line an offset (`plan.ts`), and the archive's own staging validates the
 * lines, puts events into files of their day and others into the quarantine, and commits them, in a lineage of its own,
 * `import`. So totals, `verify` and the dashboard know of them as of any other. Of two imports at a time the older one stops.
 *
 * Files within the topic's own folder are afterwards moved to `_imports/taken`, where readers do not look. Between the commit
 * and that move a reader of the folder sees their events twice.
 */
import { randomUUID } from 'node:crypto'
import { CommitLog } from '../archive/commits.ts'
import { IMPORT_ID } from '../archive/lineages.ts'
import { StagedBatch } from '../archive/staging.ts'
import { takenOver } from '../archive/taken-over.ts'
import { hasCode, MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'
import type { LogBatch } from '../log/log.ts'
import { ImportPlan, keyOf, type Source } from './plan.ts'
import { LineDigest, linesOf, sourcesBelow } from './sources.ts'

const PARTITION = 0
/** Files that are listed at once. */
const LISTED = 1_000
/** A commit ends with the file that brings it to so many lines. */
const COMMIT_LINES = 100_000
/** Only the end of a file ends a batch, or an event of another day too many. */
const LIMITS = { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY, ageMs: Number.POSITIVE_INFINITY }
const LF = 0x0a

type Place = Pick<Source, 'from' | 'path'>

export interface ImportOptions {
  lake: LakeStorage
  root: string
  /** The folders of this machine, under their whole paths. */
  folders: LakeStorage
  /** A file, or a folder with such files below it. */
  origin: Place
  /** The path in the lake of a file of `folders`, if it lies there; by default none does. */
  lakePathOf?: (path: string) => Promise<string | undefined>
  /** Go on over listed files that are gone or changed, and record the gap. */
  acceptGap: boolean
  signal: AbortSignal
  onRetry: (error: MusicFakerError) => void
  /** Told the number of lines committed by this run. */
  onProgress?: (lines: number) => void
}

export interface ImportReport {
  /** Files that were found, and those of them that were imported before. */
  files: number
  known: number
  /** Of this run. */
  events: number
  quarantined: number
  /** Lines of files that were gone or changed. */
  lost: number
}

/**
 * @throws COMMIT_FENCED when another import, or a compaction, has begun since; LAKE_NOT_FOUND when a listed file is gone or has changed, and
 *   gaps are not accepted; what the storages throw; the signal's reason. It may be run again after any of them.
 */
export async function importFiles(options: ImportOptions): Promise<ImportReport> {
  const { lake, root, signal, onRetry } = options
  const commits = await CommitLog.claim({
    ...{ lake, root, topic: root.slice(1), topicId: IMPORT_ID, partition: PARTITION },
    owner: randomUUID(),
    clock: Date.now,
    signal,
    onRetry,
  })
  try {
    return await new Import(options, commits, await ImportPlan.read(lake, root, commits.staging)).run()
  } catch (error) {
    throw takenOver(await commits.whyNotStaged(error), 'another import, or a compaction,')
  } finally {
    await commits.close()
  }
}

class Import {
  readonly #options: ImportOptions
  readonly #commits: CommitLog
  readonly #plan: ImportPlan
  readonly #report: ImportReport = { files: 0, known: 0, events: 0, quarantined: 0, lost: 0 }
  #batches = 0
  /** What is not committed yet. */
  #staged: StagedBatch | undefined

  constructor(options: ImportOptions, commits: CommitLog, plan: ImportPlan) {
    this.#options = options
    this.#commits = commits
    this.#plan = plan
  }

  async run(): Promise<ImportReport> {
    // What an earlier run had listed comes first: offsets are committed in their order.
    await this.#commitListed()
    const { from, path: top } = this.#options.origin
    let found = new Map<string, Omit<Source, 'first'>>()
    let again: Place[] = []
    const list = async () => {
      await this.#plan.add([...found.values()])
      // Another import may have listed a copy of it meanwhile.
      for (const file of found.values())
        if (this.#plan.find(file.path, file.sha256)?.path !== file.path) again.push(file)
      await this.#commitListed()
      for (const place of again) await this.#setAside(place)
      found = new Map()
      again = []
    }
    for await (const path of sourcesBelow(this.#storageOf(from), top)) {
      this.#report.files++
      const place = await this.#placeOf({ from, path })
      const { lines, sha256 } = await this.#digest(place)
      const key = keyOf(path, sha256)
      if (found.has(key) || this.#plan.find(path, sha256)) {
        this.#report.known++
        again.push(place)
      } else found.set(key, { ...place, sha256, lines })
      if (found.size + again.length >= LISTED) await list()
    }
    await list()
    return this.#report
  }

  #storageOf(from: Source['from']): LakeStorage {
    return from === 'lake' ? this.#options.lake : this.#options.folders
  }

  /** A file of the lake is called by its path there, whichever way leads to it. */
  async #placeOf(found: Place): Promise<Place> {
    const path = found.from === 'folder' ? await this.#options.lakePathOf?.(found.path) : undefined
    return path === undefined ? found : { from: 'lake', path }
  }

  async #digest({ from, path }: Place): Promise<{ lines: number; sha256: string }> {
    const digest = new LineDigest()
    for await (const block of linesOf(this.#storageOf(from), path)) {
      this.#options.signal.throwIfAborted()
      digest.add(block)
    }
    return { lines: digest.lines, sha256: digest.sha256() }
  }

  async #commitListed(): Promise<void> {
    let taken: Source[] = []
    const setAside = async () => {
      for (const source of taken) await this.#setAside(source)
      taken = []
    }
    for (const source of this.#plan.sources) {
      if (source.first + source.lines <= this.#commits.next) continue
      try {
        await this.#stage(source)
      } catch (error) {
        await this.#discard()
        if (!hasCode(error, 'LAKE_NOT_FOUND') || !this.#options.acceptGap) throw error
        // What was staged with it has not been committed.
        await this.#commitUpTo(source)
        await setAside()
        continue
      }
      taken.push(source)
      if ((this.#staged?.state.messages ?? 0) < COMMIT_LINES) continue
      await this.#commit()
      await setAside()
    }
    await this.#commit()
    await setAside()
  }

  /** Commits what comes before a file that is gone, and a gap in its place. */
  async #commitUpTo(gone: Source): Promise<void> {
    for (const source of this.#plan.sources) {
      if (source.first >= gone.first) break
      if (source.first + source.lines > this.#commits.next) await this.#stage(source)
    }
    await this.#commit()
    const [first, next] = [this.#commits.next, gone.first + gone.lines]
    this.#report.lost += next - first
    await this.#commits.acceptGap(next)
    if (first === gone.first) await this.#plan.forget(gone)
  }

  /** Stages the lines of a file that are not committed yet, and commits before that when the days become too many. */
  async #stage(source: Source): Promise<void> {
    let staged = this.#open()
    const digest = new LineDigest()
    let offset = source.first
    for await (const block of linesOf(this.#storageOf(source.from), source.path)) {
      this.#options.signal.throwIfAborted()
      digest.add(block)
      const cursor = { batch: batchOf(block, offset), index: 0 }
      offset = cursor.batch.next
      if (offset <= staged.next) continue
      cursor.index = cursor.batch.offsetDeltas.findIndex((delta) => cursor.batch.first + delta >= staged.next)
      if (cursor.index < 0) cursor.index = cursor.batch.count
      while (!(await staged.take(cursor, LIMITS, Date.now()))) {
        await this.#commit()
        staged = this.#open()
      }
    }
    if (digest.lines === source.lines && digest.sha256() === source.sha256) return
    throw new MusicFakerError('LAKE_NOT_FOUND', `${source.path} has changed since it was listed for import`, {
      next: 'Put back what it was, or go on without it: --accept-gap.',
    })
  }

  #open(): StagedBatch {
    const { lake, root } = this.#options
    const place = { lake, root, partition: PARTITION, folder: this.#commits.staging }
    this.#staged ??= new StagedBatch({ ...place, batch: this.#batches++ }, this.#commits.next)
    return this.#staged
  }

  async #commit(): Promise<void> {
    const staged = this.#staged
    if (!staged) return
    // Whatever comes of it, a record may name its files from here on.
    this.#staged = undefined
    const { contents, durable } = await staged.seal(Date.now())
    const record = await this.#commits.commit(contents, durable)
    this.#report.events += record.events
    for (const n of Object.values(record.quarantined)) this.#report.quarantined += n
    this.#options.onProgress?.(this.#report.events + this.#report.quarantined)
  }

  async #discard(): Promise<void> {
    await this.#staged?.discard()
    this.#staged = undefined
  }

  /** Moves a file of the topic's own folder to where readers do not look, once its lines are committed. */
  async #setAside({ from, path }: Place): Promise<void> {
    const { lake, root } = this.#options
    if (from !== 'lake' || !path.startsWith(`${root}/`) || path.startsWith(`${root}/_`)) return
    try {
      await lake.rename(path, `${root}/_imports/taken${path.slice(root.length)}`)
    } catch (error) {
      // Moved already; or a copy of it is there, and this one stays for who put it here.
      if (!hasCode(error, 'LAKE_NOT_FOUND', 'LAKE_EXISTS')) throw error
    }
  }
}

/** The lines as messages of a log; empty ones are offsets without a message. */
function batchOf(data: Buffer, first: number): LogBatch {
  const [starts, ends, deltas]: [number[], number[], number[]] = [[], [], []]
  let lines = 0
  for (let start = 0, end = 0; start < data.length; start = end + 1, lines++) {
    end = data.indexOf(LF, start)
    if (end === start) continue
    starts.push(start)
    ends.push(end)
    deltas.push(lines)
  }
  const arrays = { starts: Int32Array.from(starts), ends: Int32Array.from(ends), offsetDeltas: Int32Array.from(deltas) }
  const next = first + lines
  return { partition: PARTITION, first, next, end: next, count: starts.length, data, ...arrays }
}
