/**
 * The lake as a folder of this machine: lake path `/a/b` is `<folder>/a/b`. Several processes may share it.
 *
 * What the port promises rests on three things of the file system: `O_EXCL` and `link` never overwrite, and `fsync` of a
 * file and of the folders that name it makes both outlive a power cut. So the folder must be on a file system with hard
 * links (ext4, XFS, Btrfs, ZFS, APFS; not FAT).
 */
import { createReadStream } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, readFile, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { MusicFakerError } from '../errors.ts'
import { failing, failure, isErrno } from './local-errors.ts'
import { pagesOfFolder } from './local-list.ts'
import { checkPath, childOf } from './path.ts'
import type { LakeEntry, LakeStorage } from './storage.ts'

const STREAM_CHUNK_BYTES = 262_144
/** How many folders are remembered as durable; forgetting one costs a few fsync. */
const KNOWN_FOLDERS = 1_000

/** @param options.folder where the lake is; made on the first write */
export function openLocalLake(options: { folder: string }): LakeStorage {
  return new LocalLake(resolve(options.folder))
}

class LocalLake implements LakeStorage {
  readonly #root: string
  /** Folders whose names are known to be on disk, all the way from the root. */
  readonly #durable = new Set<string>()
  /** The fsync of a folder that is to come, or under way. */
  readonly #syncs = new Map<string, { begun: boolean; done: Promise<void> }>()

  constructor(root: string) {
    this.#root = root
  }

  async write(path: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<number> {
    const file = this.#locate(path)
    await this.#makeFolder(dirname(file), path)
    const failed = failing('write', path)
    const handle = await open(file, 'wx').catch(failed)
    try {
      const bytes = await fill(handle, body, failed).finally(() => handle.close().catch(failed))
      await syncFolder(dirname(file)).catch(failed)
      return bytes
    } catch (error) {
      // Best effort, so that a full disk is not kept full by what failed on it.
      await unlink(file).catch(() => undefined)
      throw error
    }
  }

  /**
   * A new name for the file, then the end of the old one. Between the two, a crash leaves both names on one file: the
   * next rename of the same pair finishes it.
   */
  async rename(from: string, to: string): Promise<void> {
    const source = this.#locate(from)
    const target = this.#locate(to)
    await this.#makeFolder(dirname(target), to)
    try {
      await link(source, target)
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) throw notFound(from, error)
      if (!isErrno(error, 'EEXIST') || !(await sameFile(source, target, from))) throw failure(error, 'rename to', to)
    }
    try {
      await syncFolder(dirname(target))
      await unlink(source)
      await syncFolder(dirname(source))
    } catch (error) {
      // Gone already: another process finished the same rename.
      if (!isErrno(error, 'ENOENT')) throw failure(error, 'rename', from)
    }
  }

  async read(path: string): Promise<Uint8Array> {
    try {
      return await readFile(this.#locate(path))
    } catch (error) {
      throw readFailure(error, path)
    }
  }

  async *stream(path: string): AsyncIterable<Uint8Array> {
    try {
      yield* createReadStream(this.#locate(path), { highWaterMark: STREAM_CHUNK_BYTES })
    } catch (error) {
      throw readFailure(error, path)
    }
  }

  async stat(path: string): Promise<LakeEntry | undefined> {
    return entryAt(this.#locate(path), path)
  }

  async *list(path: string, options: { after?: string } = {}): AsyncIterable<LakeEntry> {
    const folder = this.#locate(path)
    try {
      for await (const names of pagesOfFolder(folder, options.after)) {
        const entries = await Promise.all(names.map((name) => entryAt(join(folder, name), childOf(path, name))))
        // Undefined: removed since the folder was read.
        for (const entry of entries) if (entry) yield entry
      }
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw failure(error, 'list', path)
    }
  }

  async remove(path: string): Promise<void> {
    const target = this.#locate(path)
    if (target === this.#root) {
      throw new MusicFakerError('LAKE_DENIED', 'the top folder of the lake cannot be removed', {
        next: 'Remove what is in it, by name.',
      })
    }
    try {
      await rm(target, { recursive: true, force: true })
      await this.#syncShared(dirname(target))
    } catch (error) {
      if (!isErrno(error, 'ENOTDIR', 'ENOENT')) throw failure(error, 'remove', path)
    }
  }

  /** One fsync serves all who ask for it before it begins: many files are removed at a time. */
  #syncShared(folder: string): Promise<void> {
    const waiting = this.#syncs.get(folder)
    if (waiting && !waiting.begun) return waiting.done
    const before = waiting?.done.catch(() => undefined) ?? Promise.resolve()
    const sync = { begun: false, done: Promise.resolve() }
    sync.done = before
      .then(() => {
        sync.begun = true
        return syncFolder(folder)
      })
      .finally(() => {
        if (this.#syncs.get(folder) === sync) this.#syncs.delete(folder)
      })
    this.#syncs.set(folder, sync)
    return sync.done
  }

  async close(): Promise<void> {}

  #locate(path: string): string {
    checkPath(path)
    // `join` would keep the trailing slash, and the top folder would not be known for what it is.
    return path === '/' ? this.#root : join(this.#root, path)
  }

  /**
   * Makes a folder and sees to it that its name outlives a power cut. A folder that was there may just have been made by
   * another process that has not come to its fsync, so the first use of each is synced as well.
   */
  async #makeFolder(folder: string, path: string): Promise<void> {
    try {
      const created = await mkdir(folder, { recursive: true })
      if (created === undefined && this.#durable.has(folder)) return
      const top = created !== undefined && created.length <= this.#root.length ? dirname(created) : this.#root
      for (let at = folder; at.length > top.length; ) {
        at = dirname(at)
        await syncFolder(at)
      }
    } catch (error) {
      if (isErrno(error, 'EEXIST', 'ENOTDIR')) {
        throw new MusicFakerError('LAKE_DENIED', `cannot make the folder of ${path}: a file has its name`, {
          cause: error,
          next: `Move the file away that stands in the path of ${folder}.`,
        })
      }
      throw failure(error, 'make the folder of', path)
    }
    if (this.#durable.size >= KNOWN_FOLDERS) this.#durable.clear()
    this.#durable.add(folder)
  }
}

/** Writes and syncs. Errors of the body itself pass unchanged. */
async function fill(
  handle: FileHandle,
  body: Uint8Array | AsyncIterable<Uint8Array>,
  failed: (error: unknown) => never,
): Promise<number> {
  let bytes = 0
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    await handle.writeFile(chunk).catch(failed)
    bytes += chunk.byteLength
  }
  await handle.sync().catch(failed)
  return bytes
}

/** Without this a new or moved name can vanish with the power, although the file's content is on disk. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Two names of one file. A single link under two spellings (a path renamed to itself, or a file system that ignores
 * case) is not that: unlinking one would lose the file.
 * @throws LAKE_NOT_FOUND when the source has gone: another process has just finished the same rename
 */
async function sameFile(source: string, target: string, from: string): Promise<boolean> {
  const a = await lstat(source).catch((error) => {
    throw readFailure(error, from)
  })
  const b = await lstat(target).catch(() => undefined)
  return source !== target && a.nlink > 1 && a.ino === b?.ino && a.dev === b.dev
}

async function entryAt(file: string, path: string): Promise<LakeEntry | undefined> {
  try {
    const found = await stat(file)
    const kind = found.isDirectory() ? 'directory' : 'file'
    return { path, kind, bytes: kind === 'file' ? found.size : 0, modified: Math.floor(found.mtimeMs) }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw failure(error, 'look at', path)
  }
}

function notFound(path: string, cause: unknown): MusicFakerError {
  return new MusicFakerError('LAKE_NOT_FOUND', `${path} is not in the lake`, { cause })
}

function readFailure(error: unknown, path: string): MusicFakerError {
  if (isErrno(error, 'ENOENT', 'ENOTDIR')) return notFound(path, error)
  if (isErrno(error, 'EISDIR')) {
    return new MusicFakerError('LAKE_NOT_FOUND', `${path} is a folder, not a file`, { cause: error })
  }
  return failure(error, 'read', path)
}
