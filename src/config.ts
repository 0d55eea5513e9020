/**
 * The values of the settings. Precedence: flag, environment, file, default.
 *
 * The file is JSON: the one named by `--config` or `MF_CONFIG`, else `music-faker.json` in the working folder, if it
 * is there. Unknown keys are errors, so that a typing mistake is never silently ignored.
 */
import { existsSync, readFileSync } from 'node:fs'
import { milliseconds } from './duration.ts'
import { MusicFakerError } from './errors.ts'
import {
  type Config,
  environmentName,
  flagName,
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
  settingOf,
} from './settings.ts'

const DEFAULT_FILE = 'music-faker.json'

export type Origin = 'flag' | 'environment' | 'file' | 'default'

export interface LoadedConfig {
  config: Config
  /** Where each value came from. */
  origins: Record<SettingName, Origin>
  /** The file that was read, if any. */
  file: string | undefined
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
  const file = configFile ?? (environment.MF_CONFIG || (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined))
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
