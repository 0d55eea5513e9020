/** A minute of 10,000 events/s, a quarter of one in the short form: what the page costs its reader's machine, by processor time, so that a busy machine changes nothing. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, CDPSession } from 'playwright-core'
import { expect, it } from 'vitest'
import { LONG } from '../../regression/form.ts'
import { loadConfig } from '../../src/config.ts'
import { spawnSelf } from '../../src/self.ts'
import { until } from '../dashboard/flow.ts'
import { freeConfig } from '../services.ts'
import { launchChromium } from './chromium.ts'
import { numberOf, visit } from './visit.ts'

const SECONDS = LONG ? 60 : 15
const RATE = 10_000

it('stays below 60 % of a core, flat in memory, and never busy for 200 ms at a time', { timeout: 300_000 }, async ({
  annotate,
}) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'music-faker-load-'))
  const { port } = await freeConfig(dataDir)
  const { config } = loadConfig({ dataDir, port, rate: `${RATE}/s` }, {})
  const pipeline = spawnSelf(config, ['start'])
  const ended = new Promise((resolve) => pipeline.once('exit', resolve))
  const browser = await launchChromium()
  try {
    const url = `http://localhost:${port}`
    await until(
      'the dashboard answers',
      () =>
        fetch(`${url}/health/live`).then(
          ({ ok }) => ok,
          () => false,
        ),
      60_000,
    )
    const { page } = await visit(browser, url)
    await page.waitForSelector('.state-live', { timeout: 60_000 })
    await until('events come', async () => (await numberOf(page, '#events')) > RATE, 60_000)
    const session = await page.context().newCDPSession(page)
    const processes = await browser.newBrowserCDPSession()

    // The first seconds compile and warm up.
    await page.waitForTimeout(5_000)
    const events = await numberOf(page, '#events')
    const heap = await heapOf(session)
    const nodes = await page.evaluate<number>('document.getElementsByTagName("*").length')
    const [cpu, since] = [await processorTime(processes), performance.now()]
    await browser.startTracing(page, { categories: ['toplevel'] })
    await page.waitForTimeout(SECONDS * 1_000)
    const trace = await browser.stopTracing()
    const seconds = (performance.now() - since) / 1_000
    const share = ((await processorTime(processes)) - cpu) / seconds
    const grown = (await heapOf(session)) - heap
    const longest = longestTask(trace)
    const perSecond = ((await numberOf(page, '#events')) - events) / seconds

    await annotate(
      `${Math.round(perSecond)} events/s for ${Math.round(seconds)} s: page ${(100 * share).toFixed(0)} % of a core, ` +
        `heap ${(heap / 1e6).toFixed(1)} MB ${grown >= 0 ? '+' : '-'} ${(Math.abs(grown) / 1e6).toFixed(1)} MB, ` +
        `longest task ${longest.toFixed(0)} ms of processor time`,
    )
    expect(perSecond).toBeGreaterThan(RATE / 10)
    // Beside other tests a core is not what it is alone.
    if (LONG) expect(share).toBeLessThan(0.6)
    expect(longest).toBeLessThan(200)
    expect(grown).toBeLessThan(3_000_000)
    expect(await page.evaluate<number>('document.getElementsByTagName("*").length')).toBeLessThan(nodes + 200)
  } finally {
    await browser.close()
    pipeline.kill('SIGTERM')
    await ended
    await rm(dataDir, { recursive: true, force: true })
  }
})

/** Seconds of processor time that the page's process has taken, all its threads together. */
async function processorTime(session: Awaited<ReturnType<Browser['newBrowserCDPSession']>>): Promise<number> {
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const pages = processInfo.filter(({ type }) => type === 'renderer')
  expect(pages.length).toBeGreaterThan(0)
  return pages.reduce((sum, { cpuTime }) => sum + cpuTime, 0)
}

/** Bytes in use after everything that can be collected was. */
async function heapOf(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return usedSize
}

/** The longest task of the page's main thread, in milliseconds of processor time. */
function longestTask(trace: Buffer): number {
  const { traceEvents } = JSON.parse(trace.toString('utf8')) as {
    traceEvents: { name: string; ph: string; pid: number; tid: number; tdur?: number; args?: { name?: string } }[]
  }
  const main = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  )
  const tasks = traceEvents.filter(({ pid, tid, tdur }) => tdur !== undefined && main.has(`${pid} ${tid}`))
  expect(tasks.length).toBeGreaterThan(SECONDS)
  return Math.max(...tasks.map(({ tdur }) => tdur ?? 0)) / 1_000
}
