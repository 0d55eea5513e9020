/**
 * The port to the lake: files under absolute, `/`-separated paths. Adapters: `local.ts` (a folder) and `webhdfs.ts`.
 * One contract suite, `test/contract/storage.ts`, runs on both.
 *
 * Every method may throw MusicFakerError: LAKE_UNREACHABLE, LAKE_FULL and LAKE_FAILED are retryable and tell nothing
 * about whether the call took effect (a timed-out rename may have happened: look before deciding); LAKE_DENIED,
 * LAKE_EXISTS and LAKE_NOT_FOUND are answers.
 */

export interface LakeEntry {
  path: string
  kind: 'file' | 'directory'
  /** 0 for directories. */
  bytes: number
  /** Epoch milliseconds. */
  modified: number
}

export interface LakeStorage {
  /**
   * Writes a new file, making parent folders as needed, and resolves with its length once it is closed and durable.
   * NOT atomic: when it rejects, or the process dies, an empty or partial file may remain under `path`. Write to a name
   * of your own, then `rename`.
   * @throws LAKE_EXISTS when `path` is taken
   */
  write(path: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<number>
  /**
   * Moves a file atomically and durably, making the target's parent folders as needed. Never overwrites.
   * @throws LAKE_EXISTS when `to` is taken, LAKE_NOT_FOUND when `from` is missing
   */
  rename(from: string, to: string): Promise<void>
  /** @throws LAKE_NOT_FOUND */
  read(path: string): Promise<Uint8Array>
  /** Streams a file in chunks of bounded size. @throws LAKE_NOT_FOUND (from the first step of the iteration) */
  stream(path: string): AsyncIterable<Uint8Array>
  /** Undefined where nothing is. */
  stat(path: string): Promise<LakeEntry | undefined>
  /**
   * The direct children of a folder by name in ascending byte order, those after the name `after` only; nothing where
   * the folder is missing. Pages internally: memory stays bounded whatever the folder's size.
   */
  list(path: string, options?: { after?: string }): AsyncIterable<LakeEntry>
  /** Removes a file, or a folder with all it holds, durably. Removing what is not there is done, not an error. */
  remove(path: string): Promise<void>
  /**
   * Appends files to another of the same folder, in their order, and removes them: all of it or nothing, at one moment, and
   * without copying. None of them is empty. Absent where the lake cannot do that.
   * @throws LAKE_NOT_FOUND when one of them is missing, LAKE_DENIED when they cannot be joined
   */
  concat?(to: string, sources: readonly string[]): Promise<void>
  close(): Promise<void>
}
