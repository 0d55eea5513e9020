/** Every row of the table of commands, typed in the embedded profile: nothing but Node runs. */
import { afterAll, beforeAll, describe } from 'vitest'
import { commandsDoWhatTheySay } from './commands.ts'
import { Shell } from './shell.ts'

describe('embedded', { timeout: 120_000 }, () => {
  let shell: Shell
  beforeAll(async () => {
    shell = await Shell.open()
  })
  afterAll(() => shell.close())
  commandsDoWhatTheySay(() => shell)
})
