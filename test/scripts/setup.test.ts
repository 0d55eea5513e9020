/** The setup of a clone, with an npm that only notes when it is called: the first commands often come two at a time. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const SETUP = fileURLToPath(new URL('../../scripts/setup.sh', import.meta.url))
/** Fails where another is at work, as the real one does over a node_modules that changes under it. */
const NPM = `#!/bin/sh
mkdir installing || exit 1
echo "npm $*" >> calls
sleep 1
mkdir -p node_modules/.bin
ln -sf '${process.execPath}' node_modules/.bin/node
cat > node_modules/.bin/vite <<'END'
#!/bin/sh
mkdir building || exit 1
echo "vite $*" >> calls
sleep 1
mkdir -p dist/web && : > dist/web/index.html
rmdir building
END
chmod +x node_modules/.bin/vite
rmdir installing
`

let clone: string

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'music-faker-setup-'))
  for (const folder of ['scripts', 'web', 'src', 'tools']) mkdirSync(join(clone, folder))
  cpSync(SETUP, join(clone, 'scripts/setup.sh'))
  for (const file of ['package-lock.json', 'src/csv.ts']) writeFileSync(join(clone, file), '{}\n')
  writeFileSync(join(clone, 'tools/npm'), NPM, { mode: 0o755 })
})

afterEach(() => rmSync(clone, { recursive: true, force: true }))

async function setUp(): Promise<{ code: number; stderr: string }> {
  const child = spawn('sh', [join(clone, 'scripts/setup.sh')], {
    env: { ...process.env, PATH: `${join(clone, 'tools')}:${process.env.PATH}` },
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, stderr }
}

function calls(): string[] {
  return readFileSync(join(clone, 'calls'), 'utf8').trimEnd().split('\n')
}

test('installs and builds once, though commands come at the same time; the others wait and say so', async () => {
  const results = await Promise.all([1, 2, 3, 4].map(() => setUp()))
  expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 0])
  expect(calls()).toEqual([expect.stringMatching(/^npm ci /), expect.stringMatching(/^vite build /)])
  const said = results.map(({ stderr }) => stderr)
  expect(said).toContainEqual(expect.stringMatching(/^music-faker: waiting for another command \(pid \d+\)/))
  expect(existsSync(join(clone, '.setup-lock'))).toBe(false)
  expect(await setUp()).toEqual({ code: 0, stderr: '' })
})

test('the lock of a command that was killed is taken over, by one of those that wait', async () => {
  const { pid } = spawnSync('true')
  symlinkSync(String(pid), join(clone, '.setup-lock'))
  const results = await Promise.all(Array.from({ length: 8 }, () => setUp()))
  expect(results.map(({ code }) => code)).toEqual(results.map(() => 0))
  expect(calls()).toHaveLength(2)
})

test('a setup that fails lets the next one try', async () => {
  writeFileSync(join(clone, 'tools/npm'), '#!/bin/sh\nexit 1\n')
  expect((await setUp()).code).toBe(1)
  writeFileSync(join(clone, 'tools/npm'), NPM)
  expect((await setUp()).code).toBe(0)
})
