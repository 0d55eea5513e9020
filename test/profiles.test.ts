import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { openDestination } from '../src/profiles.ts'
import { cleanEnvironment, MAIN } from './cli/music-faker.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-profiles-'))
  await mkdir(join(folder, 'data', 'lake'), { recursive: true })
  await symlink(join(folder, 'data'), join(folder, 'link'))
  await symlink(folder, join(folder, 'data', 'out'))
})
afterEach(() => rm(folder, { recursive: true }))

function destination(path: string) {
  const { config } = loadConfig({ dataDir: join(folder, 'data') }, {})
  return openDestination(config, join(folder, path))
}

it.each(['data/lake', 'data/lake/music_events/new', 'link/lake/new', 'data/out/link/lake'])(
  'refuses to export to %s, which is in the lake',
  async (path) => {
    await expect(destination(path)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(`${path}" lies in the lake`),
    })
  },
)

it.each(['data/out/new', 'data/lakes', 'link/new/below'])('exports to %s, which is not', async (path) => {
  const { storage, root } = await destination(path)
  expect(root).toBe(`/${path.split('/').at(-1)}`)
  await storage.close()
})

it('says that the working directory is gone', { timeout: 30_000 }, async () => {
  const gone = join(folder, 'gone')
  const script = `mkdir "$1" && cd "$1" && rmdir "$1" && exec "$2" "$3" verify`
  // By SIGKILL: a process that Node's mkdirSync holds takes no other signal.
  const options = { env: cleanEnvironment(), timeout: 20_000, killSignal: 'SIGKILL' } as const
  const run = promisify(execFile)('sh', ['-c', script, 'sh', gone, process.execPath, MAIN], options)
  await expect(run).rejects.toMatchObject({
    code: 78,
    stderr: expect.stringMatching(/cannot make the data folder .*working directory/),
  })
})
