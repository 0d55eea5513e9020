/**
 * The lake in HDFS, over WebHDFS (REST), so that no Java and no Hadoop client is needed here. Tried on Hadoop 3.5.0.
 *
 * What the adapter relies on, all tried:
 * - RENAME with `renameoptions=NONE` is atomic and never overwrites; without the option, the answer to a rename that did
 *   nothing is HTTP 200 with `{"boolean":false}`.
 * - A file is whole once the DataNode has answered CREATE with 201. A CREATE that breaks off leaves a closed file with
 *   what had arrived, which nothing tells from a whole one; and a file can be renamed while it is being written.
 * - `startafter` of LISTSTATUS_BATCH is written in lower case: the `startAfter` of Hadoop's manual is ignored, and the
 *   first page comes again.
 * - Listings are in the order of signed bytes: as the port has it for ASCII names, which are all that the pipeline
 *   makes, but names with other characters come before those with ASCII ones at the same place. The NameNode pages in
 *   that order, so it cannot be put right in bounded memory.
 * - CONCAT is atomic, and answers FileNotFoundException when a source is missing, a second time included. It refuses files
 *   of another folder, empty ones, and those in a snapshot.
 * - A small write takes 13 ms, but 415 ms one time in three, when the block report is late (the Hadoop client in the
 *   DataNode sleeps 400 ms before it asks again). So callers should overlap writes rather than chain them.
 */
import { Agent } from 'undici'
import { hasCode, type MusicFakerError } from '../errors.ts'
import { checkPath, childOf, parentOf } from './path.ts'
import type { LakeEntry, LakeStorage } from './storage.ts'
import { DataNodes, fitsAtOnce } from './webhdfs-datanodes.ts'
import { lakeError, leadsThroughFile, RemoteError } from './webhdfs-errors.ts'
import { NameNodes, type WebHdfsOptions } from './webhdfs-namenodes.ts'

/** A host that is up accepts a connection in milliseconds; waiting longer only delays the fail-over. */
const CONNECT_TIMEOUT_MS = 10_000

/** Opens no connection yet: an HDFS that cannot be reached shows at the first call. */
export function openWebHdfsLake(options: WebHdfsOptions): LakeStorage {
  return new WebHdfsLake(options)
}

interface FileStatus {
  pathSuffix: string
  type: 'FILE' | 'DIRECTORY' | 'SYMLINK'
  length: number
  modificationTime: number
}

interface ListingPage {
  DirectoryListing: {
    partialListing: { FileStatuses: { FileStatus: FileStatus[] } }
    remainingEntries: number
  }
}

class WebHdfsLake implements LakeStorage {
  readonly #agent: Agent
  readonly #namenodes: NameNodes
  readonly #datanodes: DataNodes

  constructor(options: WebHdfsOptions) {
    const { requestTimeout } = options
    this.#agent = new Agent({
      headersTimeout: requestTimeout,
      bodyTimeout: requestTimeout,
      connect: { timeout: Math.min(requestTimeout, CONNECT_TIMEOUT_MS) },
    })
    this.#namenodes = new NameNodes(options, this.#agent)
    this.#datanodes = new DataNodes(this.#agent, options.token, requestTimeout)
  }

  async write(path: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<number> {
    checkPath(path)
    const isThere = async () => (await this.stat(path)) !== undefined
    if (!fitsAtOnce(body) && (await isThere()))
      throw lakeError('LAKE_EXISTS', `cannot write ${path}: the name is taken`)
    const query = { overwrite: 'false' }
    const datanode = await this.#namenodes.locate({ method: 'PUT', op: 'CREATE', path, query, doing: 'write' })
    const sent = await this.#datanodes.create(datanode, path, body, isThere).catch((error) => {
      // Somebody removed it meanwhile, as a sweep does with what an older owner writes: no answer about the name.
      throw hasCode(error, 'LAKE_NOT_FOUND') ? lakeError('LAKE_FAILED', error.message, error) : error
    })
    const held = (await this.stat(path))?.bytes
    if (held !== sent) {
      throw lakeError('LAKE_FAILED', `cannot write ${path}: ${sent} bytes were sent, HDFS holds ${held ?? 'no file'}`)
    }
    return sent
  }

  async rename(from: string, to: string): Promise<void> {
    checkPath(from)
    checkPath(to)
    try {
      await this.#rename(from, to)
    } catch (error) {
      if (!hasCode(error, 'LAKE_NOT_FOUND') || isSourceMissing(error)) throw error
      // The target's folder is missing, which is rarer than not: so it is made only now.
      await this.#makeFolder(parentOf(to))
      await this.#rename(from, to)
    }
  }

  async read(path: string): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.stream(path)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  async *stream(path: string): AsyncIterable<Uint8Array> {
    checkPath(path)
    try {
      const datanode = await this.#namenodes.locate({ method: 'GET', op: 'OPEN', path, doing: 'read' })
      yield* this.#datanodes.open(datanode, path)
    } catch (error) {
      if (leadsThroughFile(error)) throw lakeError('LAKE_NOT_FOUND', `${path} is not in the lake`, error)
      throw error
    }
  }

  async stat(path: string): Promise<LakeEntry | undefined> {
    checkPath(path)
    try {
      const answer = await this.#namenodes.ask({ method: 'GET', op: 'GETFILESTATUS', path, doing: 'look at' })
      return entry(path, (answer as { FileStatus: FileStatus }).FileStatus)
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw error
    }
  }

  async *list(path: string, options: { after?: string } = {}): AsyncIterable<LakeEntry> {
    checkPath(path)
    let first: string | undefined
    for (let after = options.after ?? ''; ; ) {
      const page = await this.#page(path, after)
      const statuses = page?.partialListing.FileStatuses.FileStatus ?? []
      if (first !== undefined && first === statuses[0]?.pathSuffix) {
        throw lakeError('LAKE_FAILED', `cannot list ${path}: HDFS gives the first page again and again`)
      }
      first = statuses[0]?.pathSuffix
      // A file lists itself, under no name: it has no children.
      if (first === '') return
      for (const status of statuses) {
        after = status.pathSuffix
        yield entry(childOf(path, after), status)
      }
      if (!page || page.remainingEntries === 0) return
    }
  }

  async remove(path: string): Promise<void> {
    checkPath(path)
    const query = { recursive: 'true' }
    try {
      const answer = await this.#namenodes.ask({ method: 'DELETE', op: 'DELETE', path, query, doing: 'remove' })
      if (isTrue(answer) || (await this.stat(path)) === undefined) return
    } catch (error) {
      if (isAbsent(error)) return
      throw error
    }
    const code = path === '/' ? 'LAKE_DENIED' : 'LAKE_FAILED'
    throw lakeError(code, `cannot remove ${path}: HDFS answered that it did not`)
  }

  async concat(to: string, sources: readonly string[]): Promise<void> {
    for (const path of [to, ...sources]) checkPath(path)
    const query = { sources: sources.join(',') }
    await this.#namenodes.ask({ method: 'POST', op: 'CONCAT', path: to, query, doing: 'append files to' })
  }

  /** Ends requests in flight: they reject with LAKE_UNREACHABLE. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #page(path: string, after: string): Promise<ListingPage['DirectoryListing'] | undefined> {
    const query: Record<string, string> = after === '' ? {} : { startafter: after }
    try {
      const answer = await this.#namenodes.ask({ method: 'GET', op: 'LISTSTATUS_BATCH', path, query, doing: 'list' })
      return (answer as ListingPage).DirectoryListing
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw error
    }
  }

  async #rename(from: string, to: string): Promise<void> {
    const query = { destination: to, renameoptions: 'NONE' }
    const answer = await this.#namenodes.ask({ method: 'PUT', op: 'RENAME', path: from, query, doing: 'rename' })
    // Empty where the option is understood. A boolean comes from a server that ignores it and may have done nothing.
    if (answer !== undefined && !isTrue(answer)) {
      throw lakeError('LAKE_FAILED', `cannot rename ${from} to ${to}: HDFS answered that it did not`)
    }
  }

  async #makeFolder(path: string): Promise<void> {
    const answer = await this.#namenodes.ask({ method: 'PUT', op: 'MKDIRS', path, doing: 'make the folder' })
    if (!isTrue(answer)) throw lakeError('LAKE_FAILED', `cannot make the folder ${path}: HDFS answered that it did not`)
  }
}

function entry(path: string, status: FileStatus): LakeEntry {
  const directory = status.type === 'DIRECTORY'
  return {
    path,
    kind: directory ? 'directory' : 'file',
    bytes: directory ? 0 : status.length,
    modified: status.modificationTime,
  }
}

function isTrue(answer: unknown): boolean {
  return (answer as { boolean?: boolean } | undefined)?.boolean === true
}

function isAbsent(error: unknown): boolean {
  return hasCode(error, 'LAKE_NOT_FOUND') || leadsThroughFile(error)
}

/** "rename source /a/b is not found." Any other missing thing is the target's folder. */
function isSourceMissing(error: MusicFakerError): boolean {
  return error.cause instanceof RemoteError && /^rename source /.test(error.cause.message)
}
