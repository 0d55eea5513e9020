/** Kafka and HDFS stopped under an open page: it says so within 5 s, shows no new number as if it were current, and heals unaided. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { LONG } from '../../regression/form.ts'
import { down, type ServiceName, up } from '../../src/cluster/cluster.ts'
import { spawnSelf } from '../../src/self.ts'
import type { Config } from '../../src/settings.ts'
import { until } from '../dashboard/flow.ts'
import { destroy, freeConfig } from '../services.ts'
import { launchChromium } from './chromium.ts'
import { numberOf, stateOf, visit } from './visit.ts'

const SHARED: ServiceName[] = ['kafka', 'namenode', 'datanode']
const SHOWN_MS = 5_000

describe.runIf(LONG && !('skipped' in inject('services')))('an outage', { timeout: 300_000 }, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'music-faker-outages-'))
  let config: Config
  let browser: Browser
  let pipeline: ReturnType<typeof spawnSelf>
  let page: Page

  const call = () => ({ report: () => {}, signal: new AbortController().signal })
  const start = (services: ServiceName[]) => up(config, { ...call(), services, engine: 'jvm' })
  const events = () => numberOf(page, '#events')

  beforeAll(async () => {
    config = { ...(await freeConfig(dataDir)), profile: 'cluster' }
    await start(SHARED)
    pipeline = spawnSelf(config, ['start'])
    browser = await launchChromium()
    const url = `http://localhost:${config.port}`
    await until(
      'the dashboard answers',
      async () => (await fetch(`${url}/health/live`).catch(() => undefined))?.ok ?? false,
      60_000,
    )
    page = (await visit(browser, url)).page
    await page.waitForSelector('.state-live', { timeout: 60_000 })
    await until('events come', async () => (await events()) > 0, 60_000)
  })
  afterAll(async () => {
    await browser?.close()
    pipeline?.kill('SIGKILL')
    destroy(dataDir)
  })

  it.each<{ what: string; services: ServiceName[]; says: string }>([
    { what: 'Kafka', services: ['kafka'], says: 'The log does not answer' },
    { what: 'HDFS', services: ['namenode', 'datanode'], says: 'The lake does not answer' },
  ])('of $what', async ({ services, says }) => {
    await down(config, { ...call(), services })
    const stopped = performance.now()
    await page.waitForSelector(`.notice:has-text("${says}")`, { timeout: 30_000 })
    expect(performance.now() - stopped).toBeLessThan(SHOWN_MS)
    expect(await stateOf(page)).toBe('stale')
    expect(await page.textContent('.clocks')).toContain('unknown')
    const before = await events()

    await start(services)
    await page.waitForSelector('.notice', { state: 'detached', timeout: 60_000 })
    await page.waitForSelector('.state-live', { timeout: 60_000 })
    await until('events come again', async () => (await events()) > before, 60_000)
  })
})
