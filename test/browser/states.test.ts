import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { faultyLake } from '../dashboard/faulty.ts'
import { Flow, until } from '../dashboard/flow.ts'
import { launchChromium } from './chromium.ts'
import { expectClean, numberOf, stateOf, visit } from './visit.ts'

let browser: Browser
let flow: Flow

beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
})
beforeEach(async () => {
  flow = await Flow.open()
})
afterEach(() => flow.close())

it('an empty lake is live and says that it is empty', async () => {
  const { url } = await flow.dashboard()
  const visited = await visit(browser, url)
  await visited.page.waitForSelector('.state-live')
  expect(await numberOf(visited.page, '#events')).toBe(0)
  expect(await visited.page.textContent('#genres-over-time')).toContain('No event in the lake yet.')
  expect(await visited.page.textContent('.clocks')).toContain('none yet')
  await flow.generate(3)
  await flow.archive()
  await until('the first events show', async () => (await numberOf(visited.page, '#events')) === 3)
  expectClean(visited, url)
  await visited.close()
})

it('a stream that breaks is told in words while the figures are refreshed every 5 s, and heals', async () => {
  const { url } = await flow.dashboard()
  const { page, close } = await visit(browser, 'about:blank')
  // A proxy that lets everything through but streams.
  await page.route('**/api/live*', (route) => route.abort())
  const refreshes: number[] = []
  page.on('request', (request) => {
    if (request.url().endsWith('/api/snapshot')) refreshes.push(performance.now())
  })
  await page.goto(url)
  await page.waitForSelector('.state-reconnecting')
  expect(await page.textContent('.state-word')).toMatch(/^reconnecting in \d+ s$/)
  await until('the figures show', async () => (await numberOf(page, '#events')) === 0)
  await flow.generate(12)
  await flow.archive()
  await until('the figures are refreshed', async () => (await numberOf(page, '#events')) === 12)
  expect(refreshes[1]! - refreshes[0]!).toBeGreaterThan(4_000)
  expect(refreshes[1]! - refreshes[0]!).toBeLessThan(7_000)

  await page.unroute('**/api/live*')
  await page.click('button:has-text("Try now")')
  await page.waitForSelector('.state-live')
  const before = refreshes.length
  await flow.generate(5)
  await flow.archive()
  await until('it is pushed again', async () => (await numberOf(page, '#events')) === 17)
  expect(refreshes.length).toBe(before)
  await close()
})

it('a delta that was missed is noticed: the page asks for everything anew instead of showing a mixture', async () => {
  await flow.generate(9)
  await flow.archive()
  const { url } = await flow.dashboard()
  const { page, close } = await visit(browser, 'about:blank')
  const asked: string[] = []
  let refreshes = 0
  page.on('request', (request) => {
    if (request.url().includes('/api/snapshot')) refreshes++
  })
  const snapshot = await (await fetch(`${url}/api/snapshot`)).text()
  const missed = { at: new Date().toISOString(), viewTotals: null }
  await page.route('**/api/live*', async (route) => {
    asked.push(new URL(route.request().url()).search)
    if (asked.length > 1) return route.continue()
    const body = `id: run-1\nevent: snapshot\ndata: ${snapshot}\n\nid: run-3\nevent: delta\ndata: ${JSON.stringify(missed)}\n\n`
    return route.fulfill({ contentType: 'text/event-stream', body })
  })
  await page.goto(url)
  await page.waitForSelector('.state-live')
  await until('it has asked anew', () => asked.length === 2)
  // At once: not when the stream has ended, after a refresh.
  expect([asked, refreshes]).toEqual([['', ''], 0])
  await until('the figures are whole', async () => (await numberOf(page, '#events')) === 9)
  await close()
})

it('a server that goes away is told in words, with the time of the figures; one that comes back is found', async () => {
  await flow.generate(9)
  await flow.archive()
  const first = await flow.dashboard()
  const { page, close } = await visit(browser, first.url)
  await page.waitForSelector('.state-live')
  await first.close()
  await page.waitForSelector('.state-disconnected')
  expect(await stateOf(page)).toBe('disconnected')
  expect(await page.textContent('.state')).toMatch(/The figures are those of \d\d:\d\d:\d\d UTC\./)
  expect(await numberOf(page, '#events')).toBe(9)

  await flow.generate(2)
  await flow.archive()
  await flow.dashboard({ port: first.port })
  await page.waitForSelector('.state-live', { timeout: 20_000 })
  await until('the figures are new', async () => (await numberOf(page, '#events')) === 11)
  await close()
})

it('figures that are old, and a lake that fails, are told in words', async () => {
  await flow.generate(9, 5 * 60_000)
  await flow.archive(() => Date.now() - 2 * 60_000)
  const { lake, fault } = faultyLake(flow.lake)
  const { url } = await flow.dashboard({ lake })
  const visited = await visit(browser, url, { locale: 'fr' })
  const { page } = visited
  await page.waitForSelector('.state-stale')
  expect(await stateOf(page)).toBe('données anciennes')
  expect(await page.textContent('.state')).toContain('Aucun événement n’est arrivé')

  fault.refuse()
  const notice = await page.waitForSelector('.notice')
  expect(await notice.textContent()).toMatch(/Le lac ne répond pas depuis .*HDFS does not answer at h:9871.*Start it\./)
  expect(await page.textContent('.clocks')).toContain('inconnu')

  fault.mend()
  await page.waitForSelector('.notice', { state: 'detached' })
  await flow.generate(1)
  await flow.archive()
  await page.waitForSelector('.state-live')
  expectClean(visited, url)
  await visited.close()
})
