/** Paths of the lake as people type them: relative to the lake's root, with `*` and `?` in any segment. */
import { posix } from 'node:path'
import { commitsFolder, lakeRoot } from '../archive/layout.ts'
import { MusicFakerError } from '../errors.ts'
import type { LakeEntry, LakeStorage } from '../lake/storage.ts'

const TOPICS_NAMED = 10

/** The absolute path that `typed` means; nothing leads above `/`. */
export function lakePath(topic: string, typed = '.'): string {
  return posix.resolve(lakeRoot(topic), typed)
}

/** True when `name` matches `pattern`, in which `*` stands for any run of characters and `?` for one. */
export function matchesGlob(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${source}$`, 'su').test(name)
}

/**
 * What `typed` names, in the order of the listing.
 * @throws LAKE_NOT_FOUND when that is nothing
 */
export async function* expand(lake: LakeStorage, topic: string, typed?: string): AsyncGenerator<LakeEntry> {
  const path = lakePath(topic, typed)
  let found = false
  for await (const entry of walk(lake, '/', path.split('/').filter(Boolean))) {
    found = true
    yield entry
  }
  if (found) return
  if (path === lakeRoot(topic)) throw await nothingOf(topic, lake)
  throw new MusicFakerError('LAKE_NOT_FOUND', `${path} is not in the lake`, {
    next: 'See what is there with: music-faker ls -R',
  })
}

/** @throws LAKE_NOT_FOUND when nothing of the topic was ever archived, naming the topics that are there */
export async function requireTopic(lake: LakeStorage, topic: string): Promise<void> {
  if ((await lake.stat(lakeRoot(topic))) === undefined) throw await nothingOf(topic, lake)
}

async function nothingOf(topic: string, lake: LakeStorage): Promise<MusicFakerError> {
  const topics: string[] = []
  for await (const { path, kind } of lake.list('/')) {
    // A lake in HDFS has folders of others beside it.
    if (kind === 'directory' && (await lake.stat(commitsFolder(path))))
      topics.push(JSON.stringify(posix.basename(path)))
    if (topics.length === TOPICS_NAMED) break
  }
  return new MusicFakerError(
    'LAKE_NOT_FOUND',
    topics.length === 0
      ? 'the lake is still empty'
      : `nothing of topic "${topic}" is in the lake, which holds ${topics.join(', ')}`,
    {
      next: `${topics.length === 0 ? 'Fill it' : 'Check --topic, or fill it'} with: music-faker produce -n 50, then: music-faker consume --once`,
    },
  )
}

/** Takes the segments without a pattern in one step, so that a plain path costs one request. */
async function* walk(lake: LakeStorage, folder: string, segments: readonly string[]): AsyncGenerator<LakeEntry> {
  const index = segments.findIndex((segment) => /[*?]/.test(segment))
  if (index === -1) {
    const entry = await lake.stat(posix.join(folder, ...segments))
    if (entry) yield entry
    return
  }
  const parent = posix.join(folder, ...segments.slice(0, index))
  const pattern = segments[index] as string
  const rest = segments.slice(index + 1)
  for await (const entry of lake.list(parent)) {
    if (!matchesGlob(pattern, posix.basename(entry.path))) continue
    if (rest.length === 0) yield entry
    else if (entry.kind === 'directory') yield* walk(lake, entry.path, rest)
  }
}
