/** Flags for the settings that a command uses, made from the one schema in src/settings.ts. */
import { Option } from 'commander'
import { MusicFakerError } from '../errors.ts'
import { environmentName, flagName, SETTING_NAMES, SETTINGS, type SettingName, settingOf } from '../settings.ts'

/** What opening the log reads. */
export const LOG_SETTINGS = [
  'profile',
  'topic',
  'partitions',
  'dataDir',
  'logBytes',
  'portOffset',
  'kafkaBrokers',
  'kafkaSaslMechanism',
  'kafkaUsername',
  'kafkaPassword',
  'kafkaPasswordFile',
  'kafkaTls',
  'kafkaTlsCa',
  'kafkaTlsCert',
  'kafkaTlsKey',
  'requestTimeout',
  'connectTimeout',
] as const satisfies readonly SettingName[]

/** What opening the lake reads; `topic` names its root folder. */
export const LAKE_SETTINGS = [
  'profile',
  'topic',
  'dataDir',
  'portOffset',
  'hdfsNamenodes',
  'hdfsUser',
  'hdfsToken',
  'hdfsTokenFile',
  'requestTimeout',
] as const satisfies readonly SettingName[]

/** What serving the page reads, beside the log and the lake. */
export const DASHBOARD_SETTINGS = ['group', 'host', 'port', 'logLevel'] as const satisfies readonly SettingName[]

/** What the local cluster reads: where it lives, its ports, and what its dashboard is started with. */
export const CLUSTER_SETTINGS = [
  'profile',
  'topic',
  'partitions',
  'group',
  'dataDir',
  'logBytes',
  'portOffset',
  'kafkaBrokers',
  'hdfsNamenodes',
  'hdfsUser',
  'requestTimeout',
  'connectTimeout',
  'host',
  'port',
  'logLevel',
] as const satisfies readonly SettingName[]

/**
 * One option per setting, in the schema's order whatever the order of `names`, each once. A value that the schema
 * refuses is wrong use (exit 2), while the same value in the environment or the file is a wrong configuration (exit 78).
 */
export function settingOptions(names: readonly SettingName[]): Option[] {
  return SETTING_NAMES.filter((name) => names.includes(name)).map((name) => {
    const { value, help } = settingOf(name)
    const option = new Option(
      value === undefined ? flagName(name) : `${flagName(name)} <${value}>`,
      describe(name, help),
    )
    option.helpGroup('Settings (flag, else environment, else file, else default):')
    if (value !== undefined) option.argParser((raw) => checked(name, raw))
    return option
  })
}

/** The given ones of the settings `names`, out of commander's option values; an option of the same name is no setting. */
export function settingFlags(
  names: readonly SettingName[],
  values: Readonly<Record<string, unknown>>,
): Partial<Record<SettingName, unknown>> {
  return Object.fromEntries(names.filter((name) => name in values).map((name) => [name, values[name]]))
}

function describe(name: SettingName, help: string): string {
  const value = defaultText(name)
  return `${help} (${environmentName(name)}${value === undefined ? '' : `; default ${value}`})`
}

/** The default that holds when nothing else is set, as one would type it. */
function defaultText(name: SettingName): string | undefined {
  const { default: fallback, value } = settingOf(name)
  if (value === undefined || fallback === undefined) return undefined
  return String(typeof fallback === 'function' ? fallback({ portOffset: 0 }) : fallback)
}

function checked(name: SettingName, raw: string): string {
  const result = SETTINGS[name].schema.safeParse(raw)
  if (result.success) return raw
  const { help, secret } = settingOf(name)
  const shown = secret ? 'the given value' : JSON.stringify(raw)
  throw new MusicFakerError('USAGE', `${flagName(name)}: ${shown} is not valid: ${result.error.issues[0]?.message}`, {
    next: `${flagName(name)} takes: ${help}`,
  })
}
