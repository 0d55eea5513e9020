/** npm run picture: makes docs/page.png, the README's picture of the page, from a fresh flow of its own. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../src/config.ts'
import { spawnSelf } from '../src/self.ts'
import { launchChromium } from '../test/browser/chromium.ts'
import { freeConfig } from '../test/services.ts'

const RATE = 100
/** Lots of events that go before the flow, some denser, some thinner, so that the charts over time have something to show. */
const LOTS = 12
const LOT_S = 300
const SPEED = 150
const FLOW_S = 60
const SIZE = { width: 1440, height: 1500 }
/** The last part that the picture shows. */
const LAST = '#over-time'

const dataDir = mkdtempSync(join(tmpdir(), 'music-faker-picture-'))
const { port } = await freeConfig(dataDir)
const { config } = loadConfig({ dataDir, port, rate: `${RATE}/s` }, {})
const start = Date.now() - LOTS * LOT_S * 1_000
for (let lot = 0; lot < LOTS; lot++) {
  const rate = Math.round(RATE * (1 + 0.3 * Math.sin(lot)))
  const from = new Date(start + lot * LOT_S * 1_000).toISOString().slice(0, 19)
  const args = ['-n', `${rate * LOT_S}`, '--start', from, '--speed', `${SPEED}x`, '--rate', `${rate * SPEED}/s`]
  await once(spawnSelf(config, ['produce', ...args]), 'exit')
}
const pipeline = spawnSelf(config, ['start'])
const ended = once(pipeline, 'exit')
const browser = await launchChromium()
try {
  await new Promise((resolve) => setTimeout(resolve, FLOW_S * 1_000))
  const context = await browser.newContext({ viewport: SIZE, locale: 'en-US', colorScheme: 'light' })
  const page = await context.newPage()
  await page.goto(`http://localhost:${port}`)
  await page.locator('#feed li').first().waitFor()
  await new Promise((resolve) => setTimeout(resolve, 20_000))
  const box = await page.locator(LAST).boundingBox()
  const clip = { x: 0, y: 0, width: SIZE.width, height: Math.ceil((box?.y ?? 0) + (box?.height ?? SIZE.height)) + 24 }
  await page.screenshot({ path: join(import.meta.dirname, '..', 'docs', 'page.png'), clip })
} finally {
  await browser.close()
  pipeline.kill('SIGTERM')
  await ended
  rmSync(dataDir, { recursive: true, force: true })
}
