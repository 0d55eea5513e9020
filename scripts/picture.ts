/** npm run picture: makes docs/page.png, the README's picture of the page, from a fresh flow of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../src/config.ts'
import { spawnSelf } from '../src/self.ts'
import { launchChromium } from '../test/browser/chromium.ts'
import { freeConfig } from '../test/services.ts'

const FLOW_S = 75
const SIZE = { width: 1440, height: 1060 }

const dataDir = mkdtempSync(join(tmpdir(), 'music-faker-picture-'))
const { port } = await freeConfig(dataDir)
const { config } = loadConfig({ dataDir, port, rate: '300/s' }, {})
const pipeline = spawnSelf(config, ['start'])
const ended = new Promise((resolve) => pipeline.once('exit', resolve))
const browser = await launchChromium()
try {
  await new Promise((resolve) => setTimeout(resolve, FLOW_S * 1_000))
  const context = await browser.newContext({ viewport: SIZE, locale: 'en-US', colorScheme: 'light' })
  const page = await context.newPage()
  await page.goto(`http://localhost:${port}`)
  await page.getByText('Live feed').waitFor()
  await new Promise((resolve) => setTimeout(resolve, 20_000))
  await page.screenshot({ path: join(import.meta.dirname, '..', 'docs', 'page.png') })
} finally {
  await browser.close()
  pipeline.kill('SIGTERM')
  await ended
  rmSync(dataDir, { recursive: true, force: true })
}
