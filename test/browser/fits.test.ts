/** What fits where it stands, and says what is so: large numbers, ticks of an axis, filters that leave nothing. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { formatTimestamp } from '../../src/event.ts'
import { openStage, type Stage, tableOf } from './visit.ts'

/** Durations in each bucket from the third to the last but one: an uneven number of columns. */
const DURATIONS = [25, 55, 85, 115, 145, 175, 205, 235, 265, 295, 355, 475, 595, 890]

let stage: Stage

beforeAll(async () => {
  stage = await openStage(async (flow) => {
    const generated = await flow.generate(200, 5 * 60_000)
    const [event] = generated
    const timestamp = formatTimestamp(Date.now() - 1_000)
    await flow.append(
      [4, ...DURATIONS].map((duration, i) => ({ ...event!, timestamp, duration, user: `u${i}`, platform: 'Rare' })),
    )
    await flow.generate(200)
    await flow.archive()
  })
})
afterAll(() => stage.close())

it('totals of hundreds of billions, on a phone as on a wide screen', () =>
  stage.during({}, async ({ page }) => {
    const answer = await fetch(`${stage.url}/api/snapshot`)
    const snapshot = (await answer.json()) as { viewTotals: Record<string, { count: number }> }
    for (const of of ['events', 'users', 'artists', 'tracks']) snapshot.viewTotals[of]!.count = 888_888_888_888
    const body = `retry: 100000\n\nid: large-1\nevent: snapshot\ndata: ${JSON.stringify(snapshot)}\n\n`
    await page.route('**/api/live?**', (route) => route.fulfill({ contentType: 'text/event-stream', body }))
    await page.route('**/api/snapshot?**', (route) => route.fulfill({ json: snapshot }))
    await page.goto(`${stage.url}/?window=60m`)
    await page.waitForSelector('#events:has-text("888,888,888,888")')
    for (const width of [320, 360, 800, 1200, 1440]) {
      await page.setViewportSize({ width, height: 900 })
      expect([width, await cut(page)]).toEqual([width, []])
    }
    const size = `Number.parseFloat(getComputedStyle(document.querySelector('#events')).fontSize)`
    expect(await page.evaluate<number>(size)).toBeGreaterThan(20)
  }))

/** In the page: where the text of an element begins and ends. */
const EDGES_OF = `(element) => {
  const text = document.createRange()
  text.selectNodeContents(element)
  const { left, right } = text.getBoundingClientRect()
  return { left, right }
}`

/** Totals that stand out of their panel. */
const cut = (page: Page) =>
  page.evaluate<string[]>(`[...document.querySelectorAll('.totals .figure')]
    .filter((figure) => (${EDGES_OF})(figure).right > figure.closest('.panel').getBoundingClientRect().right)
    .map(({ id }) => id)`)

/** Where the texts of the ticks are that have one. */
const ticksOf = (page: Page) =>
  page.evaluate<{ left: number; right: number }[]>(`[...document.querySelectorAll('#durations .tick')]
    .filter(({ textContent }) => textContent !== '')
    .map(${EDGES_OF})`)

it('no tick of the durations touches the next, whatever the number of columns', () =>
  stage.during({}, async ({ page }) => {
    for (const path of ['/', '/?platform=Rare']) {
      await page.goto(`${stage.url}${path}`)
      await page.waitForSelector('#durations .tick')
      const ticks = await ticksOf(page)
      expect(ticks.length).toBeGreaterThan(3)
      for (const [i, { left }] of ticks.slice(1).entries()) expect(left).toBeGreaterThan(ticks[i]!.right)
    }
  }))

it('the feed does not ask for events where a filter hides those that there are', () =>
  stage.during({ path: '/?genre=nothing' }, async ({ page }) => {
    await page.waitForSelector('#feed .empty, #feed :text("None of the newest events passes these filters.")')
    expect(await page.textContent('#feed')).not.toContain('produce')
  }))

it('the focus goes to the figures of an artist, and back', () =>
  stage.during({}, async ({ page }) => {
    const focused = () => page.evaluate<string>('document.activeElement.id')
    await page.focus('#top-artists a')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#person-events')
    expect(await focused()).toBe('figures')
    await page.goBack()
    await page.waitForSelector('#top-artists a')
    expect(await focused()).toBe('figures')
  }))

it('moments of another year have their year', async () => {
  const old = await openStage(async (flow) => {
    await flow.generate(50, 50 * 60_000, 2 * 365 * 86_400_000)
    await flow.archive()
  })
  const year = new Date(Date.now() - 2 * 365 * 86_400_000).getUTCFullYear()
  try {
    await old.during({ path: '/?window=60m' }, async ({ page }) => {
      await page.waitForSelector(`:text-matches("the window ends at .* ${year} ")`)
      const [, [from = ''] = []] = await tableOf(page, 'over-time')
      expect(from).toContain(String(year))
    })
  } finally {
    await old.close()
  }
})
