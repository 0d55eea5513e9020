import { createHash } from 'node:crypto'
import { committedFiles, type LakeFile } from '../archive/files.ts'
import { IMPORT_ID } from '../archive/lineages.ts'
import type { LakeStorage } from '../lake/storage.ts'

/**
 * The files of a lake under ids that no other topic or lake has, since a destination may take what is in several. All
 * imports are of one lineage; what they began with, and in which topic, tells them apart.
 * @throws what `committedFiles` and the lake throw
 */
export async function* sourceFiles(lake: LakeStorage, root: string): AsyncGenerator<LakeFile> {
  let imports: string | undefined
  for await (const file of committedFiles(lake, root)) {
    if (file.topicId !== IMPORT_ID) yield file
    else {
      imports ??= await importsId(lake, root)
      yield { ...file, topicId: imports }
    }
  }
}

/** The first list of imported files is there before the first import is, and stays as it is. */
async function importsId(lake: LakeStorage, root: string): Promise<string> {
  const list = await lake.read(`${root}/_imports/${'1'.padStart(20, '0')}.json`)
  return `${IMPORT_ID}-${createHash('sha256').update(`${root}\n`).update(list).digest('hex').slice(0, 16)}`
}
