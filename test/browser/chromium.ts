/** A real Chromium, from the npm registry, that speaks to nobody but the server under test. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import bundled from '@sparticuz/chromium'
import { type Browser, chromium } from 'playwright-core'

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/music-faker-chromium', import.meta.url))

/** A name of the server as from another machine: over plain HTTP, browsers give its page neither clipboard nor locks. */
export const ELSEWHERE = 'elsewhere.test'

const ARGS = [
  // Tests also run as root, where Chromium's sandbox cannot.
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-sync',
  '--no-pings',
  '--disable-gpu',
  '--font-render-hinting=none',
  `--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`,
]

export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: await executable(), args: ARGS })
}

/**
 * Unpacks the browser once. The package unpacks straight into the temporary folder, where a second process would start
 * a half-written file: so it is unpacked aside and then renamed.
 */
async function executable(): Promise<string> {
  const ready = join(CACHE, 'unpacked')
  if (!existsSync(ready)) {
    await mkdir(CACHE, { recursive: true })
    const aside = await mkdtemp(join(CACHE, 'unpacking-'))
    const before = process.env.TMPDIR
    process.env.TMPDIR = aside
    try {
      await bundled.executablePath()
    } finally {
      if (before === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = before
    }
    await rename(aside, ready).catch(() => rm(aside, { recursive: true, force: true }))
  }
  return join(ready, 'chromium')
}
