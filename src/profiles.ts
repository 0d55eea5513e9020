/**
 * The two profiles of one program. Only this file knows which adapter a profile uses.
 * Adapters are loaded when they are needed, so that a command pays for one log and one lake only.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, readSecret, readText } from './config.ts'
import { MusicFakerError } from './errors.ts'
import type { LakeStorage } from './lake/storage.ts'
import type { EventLog } from './log/log.ts'

/**
 * Opens the log of the configured profile.
 * @throws LOG_UNREACHABLE, LOG_AUTH, LOG_FORMAT, CONFIG_INVALID, CONFIG_UNREADABLE
 */
export async function openLog(config: Config): Promise<EventLog> {
  const { topic, partitions } = config
  if (config.profile === 'embedded') {
    const { openSqliteLog } = await import('./log/sqlite.ts')
    return openSqliteLog({ file: join(makeFolder(config.dataDir), 'log.sqlite'), topic, partitions })
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

function makeFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    throw new MusicFakerError('CONFIG_INVALID', `cannot make the data folder ${folder}: ${(cause as Error).message}`, {
      cause,
      next: 'Choose a folder you may write to with --data-dir or MF_DATA_DIR.',
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
