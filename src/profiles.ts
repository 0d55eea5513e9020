/**
 * The two profiles of one program. Only this file knows which adapter a profile uses.
 * Adapters are loaded when they are needed, so that a command pays for one log and one lake only.
 */
import { mkdirSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { readSecret, readText } from './config.ts'
import { MusicFakerError } from './errors.ts'
import type { LakeStorage } from './lake/storage.ts'
import type { EventLog } from './log/log.ts'
import type { Config } from './settings.ts'

/**
 * Opens the log of the configured profile.
 * @throws LOG_UNREACHABLE, LOG_AUTH, LOG_FORMAT, CONFIG_INVALID, CONFIG_UNREADABLE
 */
export async function openLog(config: Config): Promise<EventLog> {
  const { topic, partitions } = config
  if (config.profile === 'embedded') {
    const { openSqliteLog } = await import('./log/sqlite.ts')
    return openSqliteLog({
      ...{ topic, partitions, keepBytes: config.logBytes },
      file: join(makeFolder(config.dataDir), 'log.sqlite'),
    })
  }
  const { openKafkaLog } = await import('./log/kafka.ts')
  const sasl = saslOf(config)
  const tls = tlsOf(config)
  return openKafkaLog({
    brokers: config.kafkaBrokers,
    topic,
    partitions,
    requestTimeout: config.requestTimeout,
    connectTimeout: config.connectTimeout,
    ...(sasl && { sasl }),
    ...(tls && { tls }),
  })
}

/**
 * Opens the lake of the configured profile, and makes sure that it answers.
 * @throws LAKE_UNREACHABLE, LAKE_DENIED, CONFIG_INVALID, CONFIG_UNREADABLE
 */
export async function openLake(config: Config): Promise<LakeStorage> {
  if (config.profile === 'embedded') {
    const { openLocalLake } = await import('./lake/local.ts')
    return openLocalLake({ folder: makeFolder(join(makeFolder(config.dataDir), 'lake')) })
  }
  const { openWebHdfsLake } = await import('./lake/webhdfs.ts')
  const token = readSecret(config.hdfsToken, config.hdfsTokenFile)
  const lake = openWebHdfsLake({
    namenodes: config.hdfsNamenodes,
    user: config.hdfsUser,
    requestTimeout: config.requestTimeout,
    ...(token !== undefined && { token }),
  })
  try {
    await lake.stat('/')
    return lake
  } catch (error) {
    await lake.close()
    throw error
  }
}

/** Where files to be imported are. */
export interface Origin {
  /** The folders of this machine, under their whole paths. */
  folders: LakeStorage
  origin: { from: 'lake' | 'folder'; path: string }
  /** The path in the lake of a file of `folders`; undefined for one that is none of the topic's. */
  lakePathOf: (path: string) => Promise<string | undefined>
}

/**
 * Opens the place that files are imported from.
 * @param typed a file or folder of this machine, or `hdfs:/PATH` in the configured HDFS
 * @throws USAGE
 */
export async function openOrigin(config: Config, typed: string): Promise<Origin> {
  const { openLocalLake } = await import('./lake/local.ts')
  const place = { folders: openLocalLake({ folder: '/' }), lakePathOf: (path: string) => lakePathOf(config, path) }
  const remote = pathInHdfs(typed)
  if (remote !== undefined && config.profile === 'cluster') return { ...place, origin: { from: 'lake', path: remote } }
  if (typed === '' || typed.startsWith('hdfs:')) {
    throw new MusicFakerError('USAGE', `"${typed}" cannot be imported from`, {
      next: 'hdfs:/PATH goes with --profile cluster; else give a folder of this machine.',
    })
  }
  return { ...place, origin: { from: 'folder', path: resolve(typed) } }
}

/** Symbolic links may lead to the topic's folder, or out of it. */
async function lakePathOf(config: Config, path: string): Promise<string | undefined> {
  const lake = lakeFolder(config)
  if (lake === undefined) return undefined
  const topic = join(lake, config.topic)
  // A file that is itself a link stays one: it may lead to what the archive has committed.
  const [realTopic, realFolder] = await Promise.all([followed(topic), followed(dirname(path))])
  const below = pathBelow(realTopic, join(realFolder, basename(path))) ?? pathBelow(topic, path)
  return below === undefined ? undefined : `/${config.topic}${below}`
}

/** A path with the symbolic links in it followed, as far as it is there. */
async function followed(path: string): Promise<string> {
  if (path === dirname(path)) return path
  return realpath(path).catch(async () => join(await followed(dirname(path)), basename(path)))
}

function pathBelow(folder: string, path: string): string | undefined {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length) : undefined
}

/** The folder of this machine that the lake is in, for engines that read it themselves; undefined where it is in HDFS. */
export function lakeFolder({ profile, dataDir }: Config): string | undefined {
  return profile === 'embedded' ? resolve(dataDir, 'lake') : undefined
}

/**
 * Opens the place that files are exported to.
 * @param typed a folder of this machine, or `hdfs:/PATH` in the configured HDFS
 * @returns the storage, and the folder in it
 * @throws USAGE when it lies in the lake itself; LAKE_UNREACHABLE, LAKE_DENIED, CONFIG_INVALID, CONFIG_UNREADABLE
 */
export async function openDestination(config: Config, typed: string): Promise<{ storage: LakeStorage; root: string }> {
  const remote = pathInHdfs(typed)
  if (remote !== undefined) {
    if (config.profile === 'cluster') refuseInLake(typed, remote, `/${config.topic}`)
    return { storage: await openLake({ ...config, profile: 'cluster' }), root: remote }
  }
  const folder = resolve(typed)
  if (typed === '' || typed.startsWith('hdfs:') || folder === dirname(folder)) {
    throw new MusicFakerError('USAGE', `"${typed}" is not a folder to export to`, {
      next: 'Give a folder such as ./export, or hdfs:/exports/music in the configured HDFS.',
    })
  }
  const lake = lakeFolder(config)
  if (lake !== undefined) refuseInLake(typed, await followed(folder), await followed(lake))
  const { openLocalLake } = await import('./lake/local.ts')
  return { storage: openLocalLake({ folder: makeFolder(dirname(folder), EXPORTS) }), root: `/${basename(folder)}` }
}

/** The path that `hdfs:/PATH` names, without a slash at its end; undefined for anything else. */
function pathInHdfs(typed: string): string | undefined {
  return /^hdfs:(\/.*[^/])\/*$/.exec(typed)?.[1]
}

function refuseInLake(typed: string, path: string, lake: string): void {
  if (path !== lake && !path.startsWith(`${lake}/`)) return
  throw new MusicFakerError('USAGE', `"${typed}" lies in the lake that is to be exported`, {
    next: 'Give a folder outside of it: other readers of the lake would take its files for events.',
  })
}

const DATA = { name: 'data folder', next: 'Choose a folder you may write to with --data-dir or MF_DATA_DIR.' }
const EXPORTS = { name: 'folder', next: 'Give a folder to export to that may be made.' }

function makeFolder(folder: string, { name, next } = DATA): string {
  try {
    // Where the working directory was deleted this says so; Node's mkdirSync of a relative path never came back from there.
    mkdirSync(resolve(folder), { recursive: true })
  } catch (cause) {
    throw new MusicFakerError('CONFIG_INVALID', `cannot make the ${name} ${folder}: ${(cause as Error).message}`, {
      cause,
      next,
    })
  }
  return folder
}

function saslOf(config: Config) {
  if (config.kafkaSaslMechanism === undefined) return undefined
  const password = readSecret(config.kafkaPassword, config.kafkaPasswordFile)
  if (config.kafkaUsername === undefined || password === undefined) {
    throw new MusicFakerError('CONFIG_INVALID', `${config.kafkaSaslMechanism} needs a user and a password`, {
      next: 'Set MF_KAFKA_USERNAME, and MF_KAFKA_PASSWORD or MF_KAFKA_PASSWORD_FILE.',
    })
  }
  return { mechanism: config.kafkaSaslMechanism, username: config.kafkaUsername, password }
}

function tlsOf(config: Config) {
  if (!config.kafkaTls) return undefined
  return {
    ...(config.kafkaTlsCa !== undefined && { ca: readText(config.kafkaTlsCa) }),
    ...(config.kafkaTlsCert !== undefined && { cert: readText(config.kafkaTlsCert) }),
    ...(config.kafkaTlsKey !== undefined && { key: readText(config.kafkaTlsKey) }),
  }
}
