/**
 * Mends what `verify` finds wrong with a lake, as far as the log and the lake prove what has been there.
 *
 * Nothing is deleted or overwritten: what is damaged or does not belong is moved to `_repair/aside/<run>/`, under its
 * former path. Whatever takes its place is checked against the length and CRC in its record, or is a record that
 * follows from those beside it and whose files are what the log holds.
 *
 * Safe beside archivers, and to be killed at any moment and run again:
 *   - every change is a rename that never overwrites, or a record created under its number, which one writer gets;
 *   - a head of a commit log that is damaged is fenced first, by a claim after it: no archiver can take its number
 *     while it is away;
 *   - what is about to be done is written to `_repair/runs/` before the first change, what was done at the end.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { create, type Ownership } from '../archive/create.ts'
import {
  asideFolder,
  dataFile,
  partitionCommits,
  partitionStaging,
  quarantineFile,
  recordName,
  repairFolder,
  stamp,
} from '../archive/layout.ts'
import { type BatchRecord, type CommitRecord, type CommittedFile, RECORD_FORMAT } from '../archive/record.ts'
import { hasCode } from '../errors.ts'
import type { EventLog } from '../log/log.ts'
import type { Place, Plan, Step, Stray, Unrepaired } from './repair-draft.ts'
import { Holdings, remake } from './repair-files.ts'
import { type Reading, writeAgain } from './repair-joined.ts'
import { plan } from './repair-plan.ts'
import type { LostRecord } from './repair-records.ts'
import { isSound, readAtOf } from './repair-sums.ts'
import type { LakeStorage } from './storage.ts'
import { type VerifyProgress, verify } from './verify.ts'

export type { Step, Unrepaired } from './repair-draft.ts'

export interface RepairOptions {
  lake: LakeStorage
  log: EventLog
  /** The folder of the topic, such as `/music_events`. */
  root: string
  /** Find also what only reading every file shows. */
  deep?: boolean
  /** Plan only. */
  dryRun?: boolean
  /** Epoch milliseconds; Date.now by default. */
  clock?: () => number
  /** Told of each step that is done, or planned where this is a dry run. */
  onStep?: (step: Step) => void
  onProgress?: (progress: VerifyProgress) => void
  signal?: AbortSignal
}

export interface RepairReport {
  /** Nothing is wrong any more; of a dry run: all that is wrong can be repaired. */
  ok: boolean
  root: string
  deep: boolean
  dryRun: boolean
  /** Names the folder below `_repair/aside`, and the files in `_repair/runs`; null when nothing was changed. */
  run: string | null
  /** Done, or planned. */
  steps: Step[]
  /** What stays wrong, and why. */
  left: Unrepaired[]
}

/**
 * Repairs a lake. What cannot be repaired is in the report, and untouched.
 * @throws LAKE_UNREACHABLE, LOG_UNREACHABLE and the like: run it again; the signal's reason
 */
export async function repair(options: RepairOptions): Promise<RepairReport> {
  return new Repair(options).run()
}

class Repair {
  readonly #options: RepairOptions
  readonly #lake: LakeStorage
  readonly #root: string
  readonly #clock: () => number
  readonly #run: string
  readonly #owner = `repair:${hostname()}:${process.pid}:${randomUUID()}`
  readonly #done = new Map<string, Step>()
  #rounds = 0

  constructor(options: RepairOptions) {
    this.#options = options
    this.#lake = options.lake
    this.#root = options.root
    this.#clock = options.clock ?? Date.now
    this.#run = `${stamp(this.#clock())}_${randomUUID().slice(0, 8)}`
  }

  /** In rounds, since a record that is restored may name files that are damaged as well. */
  async run(): Promise<RepairReport> {
    const { dryRun = false } = this.#options
    for (;;) {
      const { steps, left } = await this.#plan()
      const next = steps.filter((step) => !this.#done.has(keyOf(step)))
      if (dryRun) {
        for (const step of next) this.#options.onStep?.(step)
        return this.#report(next, left)
      }
      if (next.length === 0) return this.#finish([...left, ...steps.map(undone)])
      await this.#write(`plan-${++this.#rounds}`, { steps: next })
      for (const step of next) {
        this.#options.signal?.throwIfAborted()
        await this.#take(step)
        this.#done.set(keyOf(step), step)
        this.#options.onStep?.(step)
      }
    }
  }

  async #plan(): Promise<Plan> {
    const { deep = false, onProgress, signal, log } = this.#options
    const [lake, root] = [this.#lake, this.#root]
    const report = await verify({ lake, root, deep, ...(onProgress && { onProgress }), ...(signal && { signal }) })
    return plan({ lake, root, report, holdings: await Holdings.of(log), now: this.#clock(), signal })
  }

  async #finish(left: Unrepaired[]): Promise<RepairReport> {
    const steps = [...this.#done.values()]
    if (steps.length > 0) await this.#write('done', { steps, left })
    return this.#report(steps, left)
  }

  #report(steps: Step[], left: Unrepaired[]): RepairReport {
    const { deep = false, dryRun = false } = this.#options
    const run = dryRun || steps.length === 0 ? null : this.#run
    return { ok: left.length === 0, root: this.#root, deep, dryRun, run, steps, left }
  }

  /** Keeps what this run was about to do, or did: created once, under a name of its own. */
  async #write(what: string, content: object): Promise<void> {
    const path = `${repairFolder(this.#root)}/runs/${this.#run}-${what}.json`
    const temporary = `${this.#made}/${what}.json`
    const text = JSON.stringify({ at: new Date(this.#clock()).toISOString(), by: this.#owner, ...content })
    await this.#lake.write(temporary, Buffer.from(`${text}\n`))
    await this.#lake.rename(temporary, path)
    await this.#lake.remove(this.#made)
  }

  async #take(step: Step): Promise<void> {
    switch (step.action) {
      case 'publish':
        return this.#move(step.from, step.path)
      case 'set_aside':
        return this.#setAside(step.path)
      case 'remake':
        return this.#remake(step.readings, step.file)
      case 'restore_records':
        return this.#restore(step)
    }
  }

  async #remake(readings: readonly Reading[], file: CommittedFile): Promise<void> {
    const again = `${this.#made}/again.jsonl`
    await writeAgain(await Holdings.of(this.#options.log), readings, file.day, this.#into(), again)
    // Looked at last of all: an archiver or another repair may have been faster.
    if ((await isSound(this.#lake, again, file)) && !(await isSound(this.#lake, file.path, file))) {
      await this.#setAside(file.path)
      await this.#setAside(file.staged)
      await this.#move(again, file.path)
    }
    await this.#lake.remove(this.#made)
  }

  async #restore({ place, records, strays, isHead }: Extract<Step, { action: 'restore_records' }>): Promise<void> {
    const restored: CommitRecord[] = []
    for (const lost of records) restored.push(await this.#record(place, lost, strays))
    const folder = partitionCommits(this.#root, place.topicId, place.partition)
    const last = records.at(-1)!
    if (isHead && (await this.#lake.stat(`${folder}/${recordName(last.seq)}`))) {
      // Before the damaged head goes: its number must not become free for an archiver.
      const seq = last.seq + 1
      const fence: LostRecord = { kind: 'claim', seq, fence: seq, owner: undefined, first: last.next, next: last.next }
      if (!(await create(this.#ownership(place), await this.#record(place, fence, [])))) return
    }
    for (const record of restored) {
      await this.#setAside(`${folder}/${recordName(record.seq)}`)
      // Taken: an archiver has gone on with what was the head. The next round sees what that means.
      if (!(await create(this.#ownership(place), record))) return
    }
  }

  /** The record as it was, but for the id of the attempt that created it and, of a batch, where its files were staged. */
  async #record(place: Place, lost: LostRecord, strays: readonly Stray[]): Promise<CommitRecord> {
    const { kind, owner, seq, fence, first, next } = lost
    const own = strays.filter((stray) => stray.first === first && stray.next === next)
    const at = own[0]?.at ?? this.#clock()
    const head = {
      format: RECORD_FORMAT,
      ...{ seq, fence, first, next },
      owner: owner ?? this.#owner,
      id: randomUUID(),
      topic: this.#root.slice(1),
      ...place,
      committedAt: new Date(at).toISOString(),
    } as const
    if (kind === 'compaction') return { ...head, kind, ...lost.joining }
    if (kind !== 'batch') return { ...head, kind: 'claim' }
    return this.#batch(head, own, at)
  }

  /** Files that are missing are put in their place first: a record must not name what is not there. */
  async #batch(
    head: Omit<BatchRecord, 'kind' | 'files' | 'events' | 'quarantined' | 'skipped' | 'summary'>,
    strays: readonly Stray[],
    at: number,
  ): Promise<BatchRecord> {
    const { topicId, partition, first, next, fence, seq } = head
    const holdings = await Holdings.of(this.#options.log)
    const readAt = await readAtOf(this.#lake, strays, this.#clock())
    const contents = await remake(holdings, head, readAt, this.#into())
    const files: CommittedFile[] = []
    for (const file of contents.files) {
      const name = [at, partition, first, next - 1] as const
      const made = file.day === null ? quarantineFile(this.#root, ...name) : dataFile(this.#root, file.day, ...name)
      const path = strays.find(({ day }) => day === file.day)?.path ?? made
      await this.#move(file.staged, path)
      const staged = `${partitionStaging(this.#root, topicId, partition)}/${fence}/restored-${seq}-${file.day}.jsonl`
      files.push({ ...file, path, staged })
    }
    await this.#lake.remove(this.#made)
    return { ...head, kind: 'batch', ...contents, files }
  }

  /** For files on their way to their place. */
  get #made(): string {
    return `${repairFolder(this.#root)}/made/${this.#run}`
  }

  #into() {
    return { lake: this.#lake, root: this.#root, folder: this.#made }
  }

  #setAside(path: string): Promise<void> {
    return this.#move(path, `${asideFolder(this.#root)}/${this.#run}${path.slice(this.#root.length)}`)
  }

  /** Moved already, or its name taken: the next round sees what that means. */
  async #move(from: string, to: string): Promise<void> {
    try {
      await this.#lake.rename(from, to)
    } catch (error) {
      if (!hasCode(error, 'LAKE_NOT_FOUND', 'LAKE_EXISTS')) throw error
    }
  }

  #ownership({ topicId, partition }: Place): Ownership {
    return {
      lake: this.#lake,
      root: this.#root,
      topic: this.#root.slice(1),
      topicId,
      partition,
      owner: this.#owner,
      clock: this.#clock,
      signal: this.#options.signal ?? new AbortController().signal,
      onRetry: () => undefined,
    }
  }
}

/** Mended once, and wrong again. */
function undone({ kind, path }: Step): Unrepaired {
  return { kind, path, why: 'somebody else changed it meanwhile: run repair again' }
}

function keyOf({ action, path }: Step): string {
  return `${action} ${path}`
}
