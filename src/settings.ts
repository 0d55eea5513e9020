/**
 * The one schema of settings. Each has a name in the file (`kafkaBrokers`), a flag (`--kafka-brokers`), an environment
 * variable (`MF_KAFKA_BROKERS`), a default and a line of help. `config.ts` finds their values.
 */
import { userInfo } from 'node:os'
import { z } from 'zod'
import { DURATION } from './duration.ts'

const text = z.string().min(1, 'must not be empty')
const port = whole(1, 65_535)
const bool = z.union([z.boolean(), z.stringbool()], 'must be true or false')
const list = z.union([z.array(text).min(1), text.transform((value) => value.split(',').map((item) => item.trim()))])
const hostPort = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, 'must be HOST:PORT')
  .refine((value) => port.safeParse(value.slice(value.lastIndexOf(':') + 1)).success, 'must have a port of 1 to 65535')
const topicName = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,248}$/, 'must be letters, digits, ".", "_" or "-", not starting with "." or "_"')

/** Only digits, as text: an empty one would be 0, and `1e3` and `0x10` are more often slips than meant. */
function whole(min: number, max = Number.MAX_SAFE_INTEGER) {
  const said = `must be a whole number, ${max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`}`
  const numberOf = (value: unknown) => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value)
  return z.preprocess(numberOf, z.int(said).min(min, said).max(max, said))
}

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
    schema: whole(1, 10_000),
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
    schema: whole(0, 50_000),
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
    schema: list.pipe(z.array(z.url({ protocol: /^https?$/, error: 'must be http://HOST:PORT' }))),
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
    schema: whole(1, 600_000),
    value: 'MS',
    help: 'milliseconds that one request to Kafka or HDFS may take',
    default: 30_000,
  },
  connectTimeout: {
    schema: whole(1, 600_000),
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
    schema: whole(1, 1_073_741_824),
    value: 'BYTES',
    help: 'bytes after which the archiver closes a batch of a partition',
    default: 67_108_864,
  },
  logBytes: {
    schema: whole(1_048_576),
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
    schema: whole(0, 4_294_967_295),
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
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]

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
