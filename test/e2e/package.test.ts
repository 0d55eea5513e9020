/** The published package: packed from a fresh clone, installed elsewhere, and run by its own name. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'music-faker-package-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A copy to build in: building in place would empty dist/web under the tests that serve it. */
async function copyOfSources(): Promise<string> {
  const copy = join(folder, 'sources')
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: ROOT })
  for (const file of stdout.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    cpSync(join(ROOT, file), join(copy, file))
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

it('works once installed: commands, page, and all it needs beside its code', async () => {
  const copy = await copyOfSources()
  const { stdout: packed } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: copy })
  const [{ filename, files }] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }]
  const paths = files.map(({ path }) => path)
  expect(paths).toEqual(
    expect.arrayContaining(['dist/cli/main.js', 'dist/web/index.html', 'docker-compose.yml', 'LICENSE']),
  )
  expect(paths.filter((path) => path.startsWith('test') || path.startsWith('src'))).toEqual([])

  const site = join(folder, 'site')
  mkdirSync(site)
  writeFileSync(join(site, 'package.json'), '{"private":true}')
  await run('npm', ['install', '--no-audit', '--no-fund', join(folder, filename)], { cwd: site })
  const env = { ...process.env, MF_DATA_DIR: join(site, 'data') }
  const { stdout } = await run(join(site, 'node_modules/.bin/music-faker'), ['check', '--json'], { cwd: site, env })
  expect(JSON.parse(stdout)).toMatchObject({ ok: true })
}, 180_000)
