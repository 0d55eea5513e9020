/**
 * A lake in memory, exact to the port: for tests of what stands on it, and for fault tests that wrap it.
 *
 * Like a file system it keeps folders: writing and renaming make them, and they stay when their last file goes. Every
 * method yields once before it acts, so that callers that overlap really interleave.
 */
import { MusicFakerError } from '../../src/errors.ts'
import { checkPath, childOf, compareNames, parentOf } from '../../src/lake/path.ts'
import type { LakeEntry, LakeStorage } from '../../src/lake/storage.ts'

type Node =
  | { kind: 'file'; chunks: Uint8Array[]; bytes: number; modified: number }
  | { kind: 'directory'; children: Map<string, Node>; modified: number }
type Folder = Extract<Node, { kind: 'directory' }>
type File = Extract<Node, { kind: 'file' }>

const CHUNK_BYTES = 65_536

/** An empty lake of its own. `now` is its clock, in epoch milliseconds. */
export function openMemoryLake(now: () => number = Date.now): LakeStorage {
  return new MemoryLake(now)
}

/** One that can append files to each other, as HDFS can. */
export function openAppendingLake(now: () => number = Date.now): LakeStorage {
  return new AppendingLake(now)
}

class MemoryLake implements LakeStorage {
  readonly #now: () => number
  readonly #root: Folder

  constructor(now: () => number) {
    this.#now = now
    this.#root = { kind: 'directory', children: new Map(), modified: now() }
  }

  async write(path: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<number> {
    await Promise.resolve()
    const file: File = { kind: 'file', chunks: [], bytes: 0, modified: this.#now() }
    this.#place(path, file)
    for await (const chunk of body instanceof Uint8Array ? [body] : body) {
      file.chunks.push(Uint8Array.from(chunk))
      file.bytes += chunk.length
      file.modified = this.#now()
    }
    return file.bytes
  }

  async rename(from: string, to: string): Promise<void> {
    await Promise.resolve()
    checkPath(to)
    const file = this.file(from)
    this.#place(to, file)
    const { folder, name } = this.#parent(from, false)
    folder.children.delete(name)
  }

  async read(path: string): Promise<Uint8Array> {
    await Promise.resolve()
    return Buffer.concat(this.file(path).chunks)
  }

  async *stream(path: string): AsyncIterable<Uint8Array> {
    const whole = await this.read(path)
    for (let at = 0; at < whole.length; at += CHUNK_BYTES) yield whole.subarray(at, at + CHUNK_BYTES)
  }

  async stat(path: string): Promise<LakeEntry | undefined> {
    await Promise.resolve()
    const node = this.#find(path)
    return node && entry(path, node)
  }

  async *list(path: string, options: { after?: string } = {}): AsyncIterable<LakeEntry> {
    await Promise.resolve()
    const folder = this.#find(path)
    if (folder?.kind !== 'directory') return
    const names = [...folder.children.keys()].sort(compareNames)
    for (const name of names) {
      if (options.after !== undefined && compareNames(name, options.after) <= 0) continue
      // Removed or moved since the listing began.
      const node = folder.children.get(name)
      if (node) yield entry(childOf(path, name), node)
    }
  }

  async remove(path: string): Promise<void> {
    await Promise.resolve()
    const names = split(path)
    const name = names.pop()
    if (name === undefined) throw new MusicFakerError('LAKE_DENIED', 'the root of the lake cannot be removed')
    const folder = this.#find(`/${names.join('/')}`)
    if (folder?.kind === 'directory') folder.children.delete(name)
  }

  async close(): Promise<void> {}

  protected take(path: string): void {
    const { folder, name } = this.#parent(path, false)
    folder.children.delete(name)
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root
    for (const name of split(path)) node = node?.kind === 'directory' ? node.children.get(name) : undefined
    return node
  }

  protected file(path: string): File {
    const node = this.#find(path)
    if (node?.kind !== 'file') throw new MusicFakerError('LAKE_NOT_FOUND', `no file ${path} in the lake`)
    return node
  }

  #place(path: string, file: File): void {
    if (this.#find(path)) throw new MusicFakerError('LAKE_EXISTS', `${path} is already there`)
    const { folder, name } = this.#parent(path, true)
    folder.children.set(name, file)
    folder.modified = this.#now()
  }

  #parent(path: string, make: boolean): { folder: Folder; name: string } {
    const names = split(path)
    const name = names.pop() as string
    let folder = this.#root
    for (const step of names) {
      let child = folder.children.get(step)
      if (!child && make) {
        child = { kind: 'directory', children: new Map(), modified: this.#now() }
        folder.children.set(step, child)
      }
      if (child?.kind !== 'directory') throw new MusicFakerError('LAKE_DENIED', `${step} of ${path} is not a folder`)
      folder = child
    }
    return { folder, name }
  }
}

class AppendingLake extends MemoryLake {
  async concat(to: string, sources: readonly string[]): Promise<void> {
    await Promise.resolve()
    const target = this.file(to)
    const files = sources.map((path) => this.file(path))
    const wrong = sources.some((path) => parentOf(path) !== parentOf(to) || path === to)
    if (wrong || files.some(({ bytes }) => bytes === 0)) {
      throw new MusicFakerError('LAKE_DENIED', `files cannot be appended to ${to}`)
    }
    // In one go: nobody sees anything between.
    for (const { chunks, bytes } of files) {
      target.chunks.push(...chunks)
      target.bytes += bytes
    }
    for (const path of sources) this.take(path)
  }
}

function entry(path: string, node: Node): LakeEntry {
  return { path, kind: node.kind, bytes: node.kind === 'file' ? node.bytes : 0, modified: node.modified }
}

function split(path: string): string[] {
  checkPath(path)
  return path === '/' ? [] : path.slice(1).split('/')
}
