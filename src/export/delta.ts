/**
 * A Delta Lake log over exported Parquet files: `_delta_log/<version>.json`, by the published protocol, reader version 1
 * and writer version 2.
 *
 * The destination's commit log is the truth; a version is made from it, and says in its `txn` action up to which record it
 * goes. A version is created by a rename that never overwrites, and each follows from the one before: so versions may be
 * made late, by anybody, and again, and each file is added once.
 */
import { randomUUID } from 'node:crypto'
import { committedFiles, type LakeFile } from '../archive/files.ts'
import { baseName, stagingFolder } from '../archive/layout.ts'
import { hasCode, MusicFakerError } from '../errors.ts'
import { FIELDS } from '../event.ts'
import { compareNames } from '../lake/path.ts'
import type { LakeStorage } from '../lake/storage.ts'

const APPLICATION = 'music-faker-export'
const TYPES: Partial<Record<string, string>> = { timestamp: 'timestamp', duration: 'integer' }
const PARTITIONS = ['year', 'month', 'day']

export interface DeltaOptions {
  destination: LakeStorage
  to: string
}

/**
 * Adds to the table what was exported since its last version, in one version. Resolves with the newest version, or null
 * where nothing was ever exported.
 * @throws COMMIT_CORRUPT when the last version was not written by an export; what the storage throws
 */
export async function writeDeltaLog(options: DeltaOptions): Promise<number | null> {
  for (;;) {
    const last = await lastVersion(options)
    const files = await filesAfter(options, last.seq)
    if (files.length === 0) return last.version < 0 ? null : last.version
    const version = last.version + 1
    const seq = files.reduce((most, file) => Math.max(most, file.seq), 0)
    const actions = [
      { commitInfo: { timestamp: Date.now(), operation: 'WRITE', engineInfo: 'music-faker' } },
      ...(version === 0 ? tableActions() : []),
      { txn: { appId: APPLICATION, version: seq } },
      ...files.map((file) => addAction(options.to, file)),
    ]
    if (await createVersion(options, version, actions)) return version
  }
}

function tableActions(): object[] {
  const field = (name: string, type: string, nullable: boolean) => ({ name, type, nullable, metadata: {} })
  const fields = [
    ...FIELDS.map((name) => field(name, TYPES[name] ?? 'string', true)),
    field('extra', 'string', true),
    ...PARTITIONS.map((name) => field(name, 'integer', true)),
  ]
  return [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: randomUUID(),
        format: { provider: 'parquet', options: {} },
        schemaString: JSON.stringify({ type: 'struct', fields }),
        partitionColumns: PARTITIONS,
        configuration: {},
        createdTime: Date.now(),
      },
    },
  ]
}

function addAction(to: string, { path, day, events, bytes }: LakeFile): object {
  const [year, month, date] = (day ?? '').split('-').map((part) => String(Number(part)))
  return {
    add: {
      path: encodeURI(path.slice(to.length + 1)),
      partitionValues: { year, month, day: date },
      size: bytes,
      modificationTime: Date.now(),
      dataChange: true,
      stats: JSON.stringify({ numRecords: events }),
    },
  }
}

/** The newest version and the record up to which it goes; version -1 where there is no table yet. */
async function lastVersion({ destination, to }: DeltaOptions): Promise<{ version: number; seq: number }> {
  let version = -1
  for await (const { path } of destination.list(`${to}/_delta_log`)) {
    if (/^\d{20}\.json$/.test(baseName(path))) version = Math.max(version, Number(baseName(path).slice(0, 20)))
  }
  if (version < 0) return { version, seq: 0 }
  const path = versionPath(to, version)
  const lines = Buffer.from(await destination.read(path))
    .toString()
    .trim()
    .split('\n')
  for (const line of lines) {
    const { txn } = JSON.parse(line) as { txn?: { appId: string; version: number } }
    if (txn?.appId === APPLICATION) return { version, seq: txn.version }
  }
  throw new MusicFakerError('COMMIT_CORRUPT', `${path} was written by another program than this export`, {
    next: 'Export to another, empty folder: this one would double or miss files.',
  })
}

async function filesAfter({ destination, to }: DeltaOptions, seq: number): Promise<LakeFile[]> {
  const files: LakeFile[] = []
  for await (const file of committedFiles(destination, to)) {
    if (file.topicId === 'parquet' && file.seq > seq) files.push(file)
  }
  return files.sort((a, b) => compareNames(a.path, b.path))
}

/** Resolves false when the version is there already. */
async function createVersion({ destination, to }: DeltaOptions, version: number, actions: object[]): Promise<boolean> {
  const temporary = `${stagingFolder(to)}/delta-${randomUUID()}.json`
  await destination.write(temporary, Buffer.from(actions.map((action) => `${JSON.stringify(action)}\n`).join('')))
  try {
    await destination.rename(temporary, versionPath(to, version))
    return true
  } catch (error) {
    if (!hasCode(error, 'LAKE_EXISTS')) throw error
    await destination.remove(temporary)
    return false
  }
}

function versionPath(to: string, version: number): string {
  return `${to}/_delta_log/${String(version).padStart(20, '0')}.json`
}
