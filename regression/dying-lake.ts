/** The lake of a process that dies at a given call. */
import type { LakeEntry, LakeStorage } from '../src/lake/storage.ts'

/** Whether the process dies before the call takes effect, amid it, or after it and before it hears so. */
export const WAYS = ['before', 'amid', 'after'] as const
export type Way = (typeof WAYS)[number]

/** The calls that change the lake. To die at another is to die after the last of these. */
type Change = 'write' | 'rename' | 'remove' | 'concat'

/**
 * The steps of the commit protocol: what an archiver changes in the lake, in this order. Before the hint to the log is
 * after the last file is published.
 */
export const STEPS = [
  'claim written',
  'claim created',
  'leftovers swept',
  'file staged',
  'record written',
  'record created',
  'file published',
  'manifest written',
  'checkpoint written',
  'checkpoint created',
  'folded records removed',
] as const
/** And what a compaction changes: where the lake appends files to each other, and where it does not. */
export const APPENDING_STEPS = ['record written', 'record created', 'file published', 'files appended'] as const
export const COPYING_STEPS = [
  'joined file staged',
  'record written',
  'record created',
  'file published',
  'joined files removed',
] as const
export type Step =
  | (typeof STEPS)[number]
  | (typeof APPENDING_STEPS)[number]
  | (typeof COPYING_STEPS)[number]
  | 'another change'

/** @param path what is written or removed, or the new name of what is renamed */
function stepOf(change: Change, path: string): Step {
  if (change === 'concat') return 'files appended'
  if (change === 'remove') {
    if (path.includes('/_staging/')) return 'leftovers swept'
    return path.includes('/_commits/') ? 'folded records removed' : 'joined files removed'
  }
  if (change === 'rename') {
    if (path.includes('/checkpoints/')) return 'checkpoint created'
    return path.includes('/_commits/') ? 'record created' : 'file published'
  }
  if (path.includes('/manifests/')) return 'manifest written'
  if (/\/joined-[^/]*$/.test(path)) return 'joined file staged'
  if (/\/checkpoint-[^/]*$/.test(path)) return 'checkpoint written'
  return /\/record-[^/]*$/.test(path) ? 'record written' : 'file staged'
}

export interface Death {
  /** At which change, from 1. */
  step: number
  way: Way
  /** What the calls do that are cut short. */
  half: Pick<LakeStorage, 'write' | 'rename' | 'remove'>
  /** Ends the process. @param begun the call amid which it dies */
  die: (begun?: Promise<unknown>) => unknown
}

export interface DyingLake {
  lake: LakeStorage
  /** The step at which it died, undefined while it lives. */
  diedAt: Step | undefined
}

/** After its death no call has an effect, and none that was under way comes back. */
export function dyingLake(lake: LakeStorage, { step, way, half, die }: Death): DyingLake {
  let changes = 0
  // The first record that an owner creates is its claim.
  let claimed = false
  const dying: DyingLake = { lake, diedAt: undefined }
  const look = async <T>(real: () => Promise<T>): Promise<T> => {
    if (dying.diedAt) return never()
    const result = await real()
    return dying.diedAt ? never() : result
  }
  const nameOf = (change: Change, path: string): Step => {
    const name = stepOf(change, path)
    if (claimed) return name
    claimed = name === 'record created'
    if (name === 'record written') return 'claim written'
    return name === 'record created' ? 'claim created' : name
  }
  const change = async <T>(
    kind: Change,
    path: string,
    real: () => Promise<T>,
    begin: () => Promise<unknown>,
  ): Promise<T> => {
    const name = nameOf(kind, path)
    if (dying.diedAt || ++changes !== step) return look(real)
    if (way === 'after') await real().catch(() => undefined)
    dying.diedAt = name
    die(way === 'amid' ? begin() : undefined)
    return never()
  }
  dying.lake = {
    write: (path, body) =>
      change(
        'write',
        path,
        () => lake.write(path, body),
        () => half.write(path, body),
      ),
    rename: (from, to) =>
      change(
        'rename',
        to,
        () => lake.rename(from, to),
        () => half.rename(from, to),
      ),
    remove: (path) =>
      change(
        'remove',
        path,
        () => lake.remove(path),
        () => half.remove(path),
      ),
    ...(lake.concat && {
      // All or nothing: nothing is cut short.
      concat: (to: string, sources: readonly string[]) => {
        const real = () => lake.concat!(to, sources)
        return change('concat', to, real, real)
      },
    }),
    read: (path) => look(() => lake.read(path)),
    stat: (path) => look(() => lake.stat(path)),
    stream: (path) => lake.stream(path),
    async *list(path, options) {
      yield* await look(() => entriesOf(lake, path, options))
    },
    close: () => lake.close(),
  }
  return dying
}

/**
 * What a lake is left with when a call is cut short: half a file, a folder with some of its files.
 * @param link gives a file a second name, where that is how files are renamed
 */
export function tornCalls(lake: LakeStorage, link?: (from: string, to: string) => Promise<void>): Death['half'] {
  return {
    write: async (path, body) => {
      const bytes = body instanceof Uint8Array ? body : new Uint8Array()
      return lake.write(path, bytes.subarray(0, bytes.length / 2))
    },
    rename: async (from, to) => link?.(from, to),
    remove: async (path) => {
      const [first] = await entriesOf(lake, path)
      if (first) await lake.remove(first.path)
    },
  }
}

async function entriesOf(lake: LakeStorage, path: string, options?: { after?: string }): Promise<LakeEntry[]> {
  const entries: LakeEntry[] = []
  for await (const entry of lake.list(path, options)) entries.push(entry)
  return entries
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}
