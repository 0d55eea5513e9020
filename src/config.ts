/**
 * The one schema of settings. Each has a name in the file (`kafkaBrokers`), a flag (`--kafka-brokers`), an environment
 * variable (`MF_KAFKA_BROKERS`), a default and a line of help. Precedence: flag, environment, file, default.
 *
 * The file is JSON: the one named by `--config` or `MF_CONFIG`, else `music-faker.json` in the working folder, if it
 * is there. Unknown keys are errors, so that a typing mistake is never silently ignored.
 */
import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { z } from 'zod'
import { DURATION, milliseconds } from './duration.ts'
import { MusicFakerError } from './errors.ts'

const text = z.string().min(1)
const port = z.coerce.number().int().min(1).max(65_535)
const positive = z.coerce.number().int().positive()
const bool = z.union([z.boolean(), z.stringbool()])
const list = z.union([z.array(text).min(1), text.transform((value) => value.split(',').map((item) => item.trim()))])
const hostPort = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, 'must be HOST:PORT')
const topicName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,248}$/, 'must be letters, digits, ".", "_" or "-", not starting with "." or "_"')

interface Setting {
  schema: z.ZodType
  /** One line for --help and `config`, with the unit. */
  help: string
  /** How --help shows the value, such as HOST:PORT,...; absent for switches. */
  value?: string
  /** A constant, or computed from the settings before it. */
  default: unknown | ((config: Record<string, unknown>) => unknown)
  secret?: true
}

/** In the order that `config` prints them. A computed default may use the settings above it. */
export const SETTINGS = {
  profile: {
    schema: z.enum(['embedded', 'cluster']),
    value: 'NAME',
    help: 'embedded (Node only: SQLite log, local folder) or cluster (Kafka and HDFS)',
    default: 'embedded',
  },
  topic: {
    schema: topicName,
    value: 'NAME',
    help: 'topic of the log, and folder of the lake',
    default: 'music_events',
  },
  partitions: {
    schema: positive.max(10_000),
    value: 'N',
    help: 'partitions of a topic that has to be created',
    default: 3,
  },
  group: { schema: text, value: 'NAME', help: 'consumer group of the archivers', default: 'music-faker' },
  dataDir: {
    schema: text,
    value: 'DIR',
    help: 'embedded log and lake, and the files of a cluster started by "up"',
    default: './data',
  },
  portOffset: {
    schema: z.coerce.number().int().min(0).max(50_000),
    value: 'N',
    help: 'added to every default port, to run a second system beside the first',
    default: 0,
  },
  kafkaBrokers: {
    schema: list.pipe(z.array(hostPort)),
    value: 'HOST:PORT,...',
    help: 'Kafka bootstrap brokers',
    default: (c: Record<string, unknown>) => [`127.0.0.1:${9092 + Number(c.portOffset)}`],
  },
  kafkaSaslMechanism: {
    schema: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']).optional(),
    value: 'NAME',
    help: 'PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; none by default',
    default: undefined,
  },
  kafkaUsername: { schema: text.optional(), value: 'NAME', help: 'SASL user', default: undefined },
  kafkaPassword: {
    schema: text.optional(),
    value: 'SECRET',
    help: 'SASL password; better in the environment or a file',
    default: undefined,
    secret: true,
  },
  kafkaPasswordFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'file that holds the SASL password',
    default: undefined,
  },
  kafkaTls: { schema: bool, help: 'encrypt the connection to Kafka', default: false },
  kafkaTlsCa: {
    schema: text.optional(),
    value: 'FILE',
    help: 'PEM file of the authority that signed the brokers',
    default: undefined,
  },
  kafkaTlsCert: {
    schema: text.optional(),
    value: 'FILE',
    help: 'PEM file of the client certificate',
    default: undefined,
  },
  kafkaTlsKey: { schema: text.optional(), value: 'FILE', help: 'PEM file of the client key', default: undefined },
  hdfsNamenodes: {
    schema: list.pipe(z.array(z.url({ protocol: /^https?$/ }))),
    value: 'URL,...',
    help: 'WebHDFS addresses of the NameNodes, tried in order',
    default: (c: Record<string, unknown>) => [`http://127.0.0.1:${9871 + Number(c.portOffset)}`],
  },
  hdfsUser: { schema: text, value: 'NAME', help: 'user.name of HDFS requests', default: () => userInfo().username },
  hdfsToken: {
    schema: text.optional(),
    value: 'SECRET',
    help: 'delegation token; better in the environment or a file',
    default: undefined,
    secret: true,
  },
  hdfsTokenFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'file that holds the delegation token',
    default: undefined,
  },
  requestTimeout: {
    schema: positive.max(600_000),
    value: 'MS',
    help: 'milliseconds that one request to Kafka or HDFS may take',
    default: 30_000,
  },
  connectTimeout: {
    schema: positive.max(600_000),
    value: 'MS',
    help: 'milliseconds that a command waits for Kafka and HDFS at its start',
    default: 10_000,
  },
  host: {
    schema: text,
    value: 'ADDRESS',
    help: 'address that the dashboard, and the metrics of an archiver, listen on',
    default: '127.0.0.1',
  },
  port: {
    schema: port,
    value: 'PORT',
    help: 'port the dashboard listens on',
    default: (c: Record<string, unknown>) => 5001 + Number(c.portOffset),
  },
  batchBytes: {
    schema: positive.max(1_073_741_824),
    value: 'BYTES',
    help: 'bytes after which the archiver closes a batch of a partition',
    default: 67_108_864,
  },
  logBytes: {
    schema: positive.min(1_048_576),
    value: 'BYTES',
    help: 'size of the embedded log beyond which its oldest archived messages are removed',
    default: 1_073_741_824,
  },
  compact: {
    schema: z.enum(['on', 'off']),
    value: 'on|off',
    help: 'whether archivers join the small files of past hours in the background',
    default: 'on',
  },
  keep: {
    schema: text.regex(/^[1-9]\d{0,4}d$/, 'must be a number of days, such as 90d').optional(),
    value: 'DAYS',
    help: 'how long archivers keep events and quarantined messages in the lake, such as 90d; all by default',
    default: undefined,
  },
  lateness: {
    schema: text.regex(DURATION, 'must be a number with s, m, h or d, such as 1h'),
    value: 'DURATION',
    help: 'how long after its end events of a day are expected, before archivers seal it, such as 1h',
    default: '1h',
  },
  seed: {
    schema: z.coerce.number().int().min(0).max(4_294_967_295),
    value: 'N',
    help: 'seed of the generator: same seed, same events',
    default: 42,
  },
  rate: { schema: text, value: 'N/s', help: 'events per second of the continuous flow of "start"', default: '20/s' },
  logLevel: {
    schema: z.enum(['silent', 'error', 'warn', 'info', 'debug']),
    value: 'LEVEL',
    help: 'silent, error, warn, info or debug',
    default: 'info',
  },
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof SETTINGS
export type Config = { [K in SettingName]: z.output<(typeof SETTINGS)[K]['schema']> }
export type Origin = 'flag' | 'environment' | 'file' | 'default'

export interface LoadedConfig {
  config: Config
  /** Where each value came from. */
  origins: Record<SettingName, Origin>
  /** The file that was read, if any. */
  file: string | undefined
}

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]
const DEFAULT_FILE = 'music-faker.json'

/** `kafkaBrokers` -> `MF_KAFKA_BROKERS`. */
export function environmentName(name: SettingName): string {
  return `MF_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`
}

/** `kafkaBrokers` -> `--kafka-brokers`. */
export function flagName(name: SettingName): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** `name` as a setting, looked up without widening its literal types away from callers. */
export function settingOf(name: SettingName): Setting {
  return SETTINGS[name]
}

/**
 * Merges and validates the settings.
 *
 * @param flags       values given on the command line, by setting name
 * @param environment usually process.env
 * @param configFile  the value of --config, if given
 * @throws CONFIG_UNREADABLE when the file cannot be read or is not a JSON object, CONFIG_INVALID when a value or key is wrong
 */
export function loadConfig(
  flags: Partial<Record<SettingName, unknown>> = {},
  environment: NodeJS.ProcessEnv = process.env,
  configFile?: string,
): LoadedConfig {
  const file = configFile ?? environment.MF_CONFIG ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined)
  const fromFile = file === undefined ? {} : readConfigFile(file)
  rejectUnknown(environment, fromFile, file)

  const config: Record<string, unknown> = {}
  const origins = {} as Record<SettingName, Origin>
  for (const name of SETTING_NAMES) {
    const [origin, raw, source] = pick(name, flags, environment, fromFile, file)
    origins[name] = origin
    config[name] = origin === 'default' ? defaultOf(name, config) : parse(name, raw, source)
  }
  return { config: config as Config, origins, file }
}

/**
 * A secret from its setting or from the file that its twin names, without the trailing line break.
 * @throws CONFIG_UNREADABLE
 */
export function readSecret(value: string | undefined, file: string | undefined): string | undefined {
  if (value !== undefined || file === undefined) return value
  return readText(file).replace(/\r?\n$/, '')
}

/** Reads a text file that a setting names. @throws CONFIG_UNREADABLE */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new MusicFakerError('CONFIG_UNREADABLE', `cannot read ${file}: ${(cause as Error).message}`, {
      cause,
      next: 'Check the path and its permissions.',
    })
  }
}

function pick(
  name: SettingName,
  flags: Partial<Record<SettingName, unknown>>,
  environment: NodeJS.ProcessEnv,
  fromFile: Record<string, unknown>,
  file: string | undefined,
): [Origin, unknown, string] {
  if (flags[name] !== undefined) return ['flag', flags[name], flagName(name)]
  const variable = environmentName(name)
  // An empty variable counts as unset: shells and Compose files often export empty ones.
  if (environment[variable]) return ['environment', environment[variable], variable]
  if (fromFile[name] !== undefined) return ['file', fromFile[name], `"${name}" in ${file}`]
  return ['default', undefined, '']
}

function parse(name: SettingName, raw: unknown, source: string): unknown {
  const result = SETTINGS[name].schema.safeParse(raw)
  if (result.success) return result.data
  const shown = settingOf(name).secret ? 'the given value' : JSON.stringify(raw)
  throw new MusicFakerError('CONFIG_INVALID', `${source}: ${shown} is not valid: ${result.error.issues[0]?.message}`, {
    next: `${name}: ${SETTINGS[name].help}`,
  })
}

function defaultOf(name: SettingName, config: Record<string, unknown>): unknown {
  const value = settingOf(name).default
  return typeof value === 'function' ? value(config) : value
}

/** What an archiver does beside archiving, as the options of `archive`. */
export function careOf({ compact, lateness, keep }: Config) {
  return {
    compact: compact === 'on',
    latenessMs: milliseconds(lateness),
    ...(keep !== undefined && { keepMs: milliseconds(keep) }),
  }
}

function readConfigFile(file: string): Record<string, unknown> {
  const source = readText(file)
  let json: unknown
  try {
    json = JSON.parse(source)
  } catch (cause) {
    throw new MusicFakerError('CONFIG_UNREADABLE', `${file} is not valid JSON: ${(cause as Error).message}`, {
      cause,
      next: `Mend or remove ${file}.`,
    })
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new MusicFakerError('CONFIG_UNREADABLE', `${file} must hold one JSON object`, {
      next: `Mend or remove ${file}.`,
    })
  }
  return json as Record<string, unknown>
}

function rejectUnknown(
  environment: NodeJS.ProcessEnv,
  fromFile: Record<string, unknown>,
  file: string | undefined,
): void {
  const next = 'Run "music-faker config" to see every setting.'
  for (const key of Object.keys(fromFile)) {
    if (!Object.hasOwn(SETTINGS, key))
      throw new MusicFakerError('CONFIG_INVALID', `unknown setting "${key}" in ${file}`, { next })
  }
  const known = new Set(['MF_CONFIG', ...SETTING_NAMES.map(environmentName)])
  for (const variable of Object.keys(environment)) {
    if (variable.startsWith('MF_') && !known.has(variable)) {
      throw new MusicFakerError('CONFIG_INVALID', `unknown setting ${variable} in the environment`, { next })
    }
  }
}
