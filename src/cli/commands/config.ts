import { environmentName, flagName, SETTING_NAMES, type SettingName, settingOf } from '../../settings.ts'
import { command } from '../command.ts'
import type { Context } from '../context.ts'
import { formatTable } from '../format.ts'

const HIDDEN = '********'

export const config = command({
  examples: ['config', 'config --json', 'config --profile cluster'],
  description: 'Give it the flags of another command to see what they would make of it. Secrets are not shown.',
  settings: SETTING_NAMES,
  async run({ loaded, out }) {
    const rows = SETTING_NAMES.map((name) => ({
      name,
      value: shownValue(name, loaded.config),
      origin: loaded.origins[name],
      flag: flagName(name),
      environment: environmentName(name),
      help: settingOf(name).help,
    }))
    await out.result({ file: loaded.file ?? null, settings: rows }, () => {
      const table = rows.map(({ name, value, origin, environment, help }) => [
        name,
        value === null ? '-' : Array.isArray(value) ? value.join(',') : String(value),
        origin,
        environment,
        help,
      ])
      return `file: ${loaded.file ?? 'none'}\n\n${formatTable([['SETTING', 'VALUE', 'FROM', 'ENVIRONMENT', 'MEANING'], ...table])}`
    })
  },
})

function shownValue(name: SettingName, values: Context['config']): unknown {
  const value = values[name] ?? null
  return value !== null && settingOf(name).secret ? HIDDEN : value
}
