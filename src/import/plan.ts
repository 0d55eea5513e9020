/**
 * What is to be imported, as a log: `_imports/<number>.json` lists files and gives each line an offset, once and for all. So
 * the position of the commit log says exactly how far an import has come, and a file that is listed is never listed again, unless
 * all of it was lost.
 */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { baseName } from '../archive/layout.ts'
import { hasCode, MusicFakerError } from '../errors.ts'
import type { LakeStorage } from '../lake/storage.ts'

const count = z.number().int().nonnegative()
const sourceSchema = z.strictObject({
  /** Of the lake, or of a folder of the machine that listed it: then the whole path. */
  from: z.enum(['lake', 'folder']),
  path: z.string(),
  /** Of its content; a file with the content and the name of one that is listed is that one. */
  sha256: z.string(),
  lines: count,
  /** The offset of its first line. */
  first: count,
})
const planSchema = z.strictObject({
  format: z.literal(1),
  sources: z.array(sourceSchema),
  /** The first offsets of files, listed before, of which the commit log has a gap. */
  lost: z.array(count).optional(),
})
export type Source = z.infer<typeof sourceSchema>
type Listed = Omit<z.infer<typeof planSchema>, 'format'>

export class ImportPlan {
  readonly sources: Source[] = []
  readonly #keys = new Map<string, Source>()
  readonly #lake: LakeStorage
  readonly #root: string
  readonly #staging: string
  #number = 0

  private constructor(lake: LakeStorage, root: string, staging: string) {
    this.#lake = lake
    this.#root = root
    this.#staging = staging
  }

  /**
   * @param staging the folder of the owner's fence: what it leaves there when it is killed is swept
   * @throws COMMIT_CORRUPT when a list cannot be read; what the lake throws
   */
  static async read(lake: LakeStorage, root: string, staging: string): Promise<ImportPlan> {
    const plan = new ImportPlan(lake, root, staging)
    await plan.#readOn()
    return plan
  }

  async #readOn(): Promise<void> {
    for await (const { path, kind } of this.#lake.list(`${this.#root}/_imports`)) {
      const number = kind === 'file' && /^\d{20}\.json$/.test(baseName(path)) ? Number(baseName(path).slice(0, 20)) : 0
      if (number <= this.#number) continue
      this.#take(decode(await this.#lake.read(path), path))
      this.#number = number
    }
  }

  /** The offset after the last line that is listed. */
  get next(): number {
    const last = this.sources.at(-1)
    return last ? last.first + last.lines : 0
  }

  /** The listed file that this one is; undefined for a new one. */
  find(path: string, sha256: string): Source | undefined {
    return this.#keys.get(keyOf(path, sha256))
  }

  /**
   * Lists files, which get their offsets; but for those that another import has listed since this plan was read. To be called
   * by the owner of the import's commit log alone.
   */
  async add(files: readonly Omit<Source, 'first'>[]): Promise<void> {
    for (;;) {
      const sources: Source[] = []
      let first = this.next
      for (const file of files) {
        if (this.find(file.path, file.sha256)) continue
        sources.push({ ...file, first })
        first += file.lines
      }
      if (sources.length === 0 || (await this.#create({ sources }))) return
      // One that was taken over and does not know it yet: what it has listed comes first, and it will commit none of it.
      await this.#readOn()
    }
  }

  /**
   * Forgets a listed file: found again after all, it is listed anew. To be called once a gap is recorded in place of all its
   * lines: what an import that was taken over says of it must not count.
   */
  async forget({ first }: Source): Promise<void> {
    while (!(await this.#create({ sources: [], lost: [first] }))) await this.#readOn()
  }

  /** Resolves false when the next list is there already. */
  async #create(listed: Listed): Promise<boolean> {
    const number = this.#number + 1
    const temporary = `${this.#staging}/plan-${randomUUID()}.json`
    await this.#lake.write(temporary, Buffer.from(`${JSON.stringify({ format: 1, ...listed })}\n`))
    try {
      await this.#lake.rename(temporary, `${this.#root}/_imports/${String(number).padStart(20, '0')}.json`)
    } catch (error) {
      if (!hasCode(error, 'LAKE_EXISTS')) throw error
      await this.#lake.remove(temporary)
      return false
    }
    this.#number = number
    this.#take(listed)
    return true
  }

  #take({ sources, lost = [] }: Listed): void {
    for (const first of lost) {
      const source = this.sources.find((listed) => listed.first === first && listed.lines > 0)
      const key = source && keyOf(source.path, source.sha256)
      if (key !== undefined && this.#keys.get(key) === source) this.#keys.delete(key)
    }
    for (const source of sources) {
      this.sources.push(source)
      this.#keys.set(keyOf(source.path, source.sha256), source)
    }
  }
}

/** Of equal content and name: a copy elsewhere is the same file. */
export function keyOf(path: string, sha256: string): string {
  return `${sha256} ${baseName(path)}`
}

function decode(bytes: Uint8Array, path: string): Listed {
  try {
    return planSchema.parse(JSON.parse(Buffer.from(bytes).toString()))
  } catch (cause) {
    throw new MusicFakerError('COMMIT_CORRUPT', `the list of imported files ${path} is damaged`, {
      cause,
      next: 'Restore it from a replica or a backup: without it, files could be imported twice.',
    })
  }
}
