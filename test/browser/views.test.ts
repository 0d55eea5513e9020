/** Windows and filters: what the screen shows against what the files of the lake hold. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Snapshot } from '../../src/dashboard/api.ts'
import { type MusicEvent, parseTimestamp } from '../../src/event.ts'
import { dataFiles } from '../archive/lake-contents.ts'
import { until } from '../dashboard/flow.ts'
import { barsOf, CONNECTED, numberOf, openStage, queryOf, type Stage, tableOf } from './visit.ts'

const HOUR = 3_600_000

let stage: Stage
/** Every event in the files of the lake. */
let lake: MusicEvent[]

beforeAll(async () => {
  stage = await openStage(async (flow) => {
    // Some in each window: the later, the denser.
    for (const [count, span, age] of [
      [300, 40 * HOUR, 24 * HOUR],
      [300, 23 * HOUR, HOUR],
      [300, HOUR, 0],
      [300, HOUR / 4, 0],
      [300, HOUR / 60, 0],
    ] as const) {
      await flow.generate(count, span, age)
      // In batches this small every event is in the sample that views are answered from: they are exact.
      await flow.archive()
    }
  })
  const files = await dataFiles(stage.flow.lake, stage.flow.root)
  lake = [...files.values()].flat().map((line) => JSON.parse(line) as MusicEvent)
  expect(lake.length).toBe(1_500)
})
afterAll(() => stage.close())

const WINDOWS = ['1m', '5m', '15m', '60m', '24h', 'all'] as const
const query = async (page: Page) => (await queryOf(page)).toString()
const countries = new Intl.DisplayNames('en', { type: 'region' })

const FIELDS = ['country', 'genre', 'platform', 'device', 'action'] as const
type Field = (typeof FIELDS)[number]

/** The events that a view is of. @param but a field whose own filter is left out */
function inView({ window, from, to, filter }: NonNullable<Snapshot['view']>, but?: Field): MusicEvent[] {
  return lake.filter((event) => {
    const at = parseTimestamp(event.timestamp) ?? 0
    const inWindow = window === 'all' || (at >= Date.parse(from ?? '') && at < Date.parse(to))
    const fits = (field: Field) => field === but || (filter[field]?.includes(event[field]) ?? true)
    const inHours = filter.when?.includes(weekHourOf(event)) ?? true
    return inWindow && inHours && FIELDS.every(fits)
  })
}

/** ISO weekday and hour, as the address has them. */
function weekHourOf(event: MusicEvent): string {
  const at = new Date(parseTimestamp(event.timestamp) ?? 0)
  return `${at.getUTCDay() || 7}-${at.getUTCHours()}`
}

function countBy(events: readonly MusicEvent[], field: Field): [string, number][] {
  const counts = new Map<string, number>()
  for (const event of events) counts.set(event[field], (counts.get(event[field]) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])
}

/** The screen shows what the lake's files hold of the view; windows move on, so both are looked at until they are of one moment. */
async function expectScreen(page: Page, search: string): Promise<void> {
  await page.waitForSelector('[aria-busy="false"]')
  await until(`the screen shows ${search}`, async () => {
    const { view, viewTotals } = (await (await fetch(`${stage.url}/api/snapshot?${search}`)).json()) as Snapshot
    const events = inView(view!)
    const kinds = [viewTotals!.users.kind, viewTotals!.artists.kind, viewTotals!.tracks.kind]
    if (kinds.some((kind) => kind !== 'exact')) throw new Error(`not exact: ${kinds}`)
    const shown = await Promise.all(['events', 'users', 'artists', 'tracks'].map((id) => numberOf(page, `#${id}`)))
    const different = (key: (event: MusicEvent) => string) => new Set(events.map(key)).size
    const expected = [
      events.length,
      different(({ user }) => user),
      different(({ artist }) => artist),
      different(({ artist, track }) => `${artist}\n${track}`),
    ]
    if (JSON.stringify(shown) !== JSON.stringify(expected)) return false
    for (const field of FIELDS) {
      const counts = new Map(countBy(inView(view!, field), field).map(([name, n]) => [inWords(field, name), n]))
      const bars = (await barsOf(page, field)).filter(([name]) => name !== 'others')
      if (bars.some(([name, n]) => counts.get(name) !== n)) return false
    }
    return true
  })
}

const inWords = (field: Field, name: string): string => (field === 'country' ? (countries.of(name) ?? name) : name)

describe('a window', () => {
  it('of any length shows what the files hold of it', () =>
    stage.during({}, async ({ page }) => {
      for (const [i, window] of WINDOWS.entries()) {
        await page.click(`.toolbar .choices button >> nth=${i}`)
        expect((await queryOf(page)).get('window')).toBe(window === 'all' ? null : window)
        await expectScreen(page, window === 'all' ? '' : `window=${window}`)
      }
    }))

  it('is chosen by key, and undone by Back', () =>
    stage.during({}, async ({ page }) => {
      await page.keyboard.press('4')
      await expectScreen(page, 'window=60m')
      await page.goBack()
      await expectScreen(page, '')
      expect(await page.getAttribute('.toolbar .choices button >> nth=5', 'aria-pressed')).toBe('true')
    }))
})

describe('a filter', () => {
  it.each(FIELDS)('by %s filters everything, and is taken away', (field) =>
    stage.during({}, async ({ page }) => {
      await page.click(`#${field} li button >> nth=1`)
      expect(await page.locator('.chip').count()).toBe(1)
      expect(await page.getAttribute(`#${field} li button >> nth=1`, 'aria-pressed')).toBe('true')
      const [value] = (await queryOf(page)).getAll(field)
      expect(value).toBe(countBy(lake, field)[1]![0])
      await expectScreen(page, await query(page))
      await page.click('.chip')
      expect(await query(page)).toBe('')
      await expectScreen(page, '')
    }),
  )

  it('by genre, from the small charts', () =>
    stage.during({}, async ({ page }) => {
      const genre = await page.textContent('#genres-over-time li .name bdi')
      await page.click('#genres-over-time li button >> nth=0')
      expect(await query(page)).toBe(new URLSearchParams({ genre: genre! }).toString())
      await expectScreen(page, await query(page))
    }))

  it('from the map, by pointer and by keyboard; several values of a field add up, several fields narrow', () =>
    stage.during({}, async ({ page }) => {
      const [[first], [second]] = countBy(lake, 'country') as [[string, number], [string, number]]
      await page.focus(`#map [tabindex="0"]`)
      await page.keyboard.press('Enter')
      expect(await query(page)).toBe(`country=${first}`)
      await expectScreen(page, await query(page))
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('Space')
      expect((await queryOf(page)).getAll('country').sort()).toEqual([first, second].sort())
      await expectScreen(page, await query(page))
      await page.click('#action li button >> nth=0')
      await page.keyboard.press('5')
      await expectScreen(page, await query(page))
      await page.click('button:has-text("Clear all")')
      await expectScreen(page, 'window=24h')
      await page.click(`#map [data-code="US"]`)
      expect(await query(page)).toBe('window=24h&country=US')
    }))

  it('by hour of the week, by pointer and by keyboard; the heat map goes on showing all hours', () =>
    stage.during({}, async ({ page }) => {
      const cells = (await tableOf(page, 'hours')).slice(1)
      const [first, second] = [...new Set(lake.map(weekHourOf))].sort()
      await page.click(`#hours [data-when="${first}"]`)
      expect(await query(page)).toBe(`when=${first}`)
      await expectScreen(page, await query(page))
      expect((await tableOf(page, 'hours')).slice(1)).toEqual(cells)
      await page.click(`#hours [data-when="${second}"]`)
      await page.click('#device li button >> nth=0')
      await expectScreen(page, await query(page))
      await page.click('button:has-text("Clear all")')
      await page.focus('#hours [tabindex="0"]')
      const busiest = await page.getAttribute('#hours :focus', 'data-when')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('ArrowUp')
      await page.keyboard.press('Enter')
      expect(await query(page)).toBe(`when=${busiest}`)
      await expectScreen(page, await query(page))
      // On a phone hours go down, and days to the right.
      await page.setViewportSize({ width: 390, height: 800 })
      await page.focus('#hours [data-when="3-5"]')
      for (const key of ['ArrowDown', 'ArrowRight']) await page.keyboard.press(key)
      expect(await page.getAttribute('#hours :focus', 'data-when')).toBe('4-6')
    }))

  it('is found by typing, with accents or without', () =>
    stage.during({ locale: 'fr' }, async ({ page }) => {
      await page.keyboard.press('/')
      await page.keyboard.type('etats')
      await page.waitForSelector('[role="option"][aria-selected="true"]:has-text("États-Unis")')
      await page.keyboard.press('Enter')
      expect(await query(page)).toBe('country=US')
      await page.keyboard.press('/')
      await page.keyboard.type('nobody of this name')
      await page.keyboard.press('Escape')
      expect(await query(page)).toBe('country=US')
    }))
})

describe('an address', () => {
  it('gives another person the same page', () =>
    stage.during({}, async ({ context, page }) => {
      await page.click('#country li button >> nth=0')
      await page.keyboard.press('3')
      await expectScreen(page, await query(page))
      await page.keyboard.press('t')
      await page.click('.languages [lang="fr"]')
      const other = await context.browser()!.newContext({ locale: 'en-US', colorScheme: 'light' })
      const copy = await other.newPage()
      await copy.goto(await page.evaluate<string>('location.href'))
      await copy.waitForSelector(CONNECTED)
      expect(await copy.textContent('h1')).toBe('Écoutes musicales en direct')
      expect(await copy.getAttribute('html', 'data-theme')).toBe('dark')
      await until('it shows the same', async () => {
        const [a, b] = await Promise.all([page, copy].map((each) => each.textContent('#events')))
        return a === b
      })
      expect(await copy.textContent('.chip')).toBe(await page.textContent('.chip'))
      await other.close()
    }))

  it('can be of a paused page, whose figures are shown once and then stand', () =>
    stage.during({ path: '/?paused=1&window=60m', awaits: '.state-paused' }, async ({ page }) => {
      await expectScreen(page, 'window=60m')
      await page.keyboard.press('6')
      await expectScreen(page, '')
    }))

  it('with embed=1 has the figures without the controls', () =>
    stage.during({ path: '/?embed=1&window=60m' }, async ({ page }) => {
      expect(await page.locator('header, .toolbar, footer').count()).toBe(0)
      await expectScreen(page, 'window=60m')
    }))
})

describe('a page of its own', () => {
  it.each(['listener', 'artist'] as const)('shows what the files hold of one %s', (kind) =>
    stage.during({}, async ({ page }) => {
      const field = kind === 'listener' ? 'user' : 'artist'
      await page.keyboard.press('Space')
      const link = page.locator(kind === 'listener' ? '#feed .where .person' : '#top-artists .person').first()
      const name = (await link.textContent())!
      await link.click()
      expect(await page.evaluate('location.pathname')).toBe(`/${kind}/${encodeURIComponent(name)}`)
      await page.waitForSelector('#person-events')
      const events = lake.filter((event) => event[field] === name)
      expect(await numberOf(page, '#person-events')).toBe(events.length)
      expect(await page.textContent('#person-name')).toBe(name)
      const hours = (await tableOf(page, 'hours')).slice(1).map(([, n]) => Number(n))
      const hourOf = (event: MusicEvent) => Number(event.timestamp.slice(11, 13))
      expect(hours).toEqual(Array.from({ length: 24 }, (_, h) => events.filter((event) => hourOf(event) === h).length))
      expect((await barsOf(page, 'action')).map(([, n]) => n)).toEqual(
        countBy(events, 'action')
          .slice(0, 6)
          .map(([, n]) => n),
      )
      const other = page.locator(kind === 'listener' ? '#top-artists .person' : '#top-listeners .person').first()
      const otherName = await other.textContent()
      await other.click()
      await until('the other page is there', async () => (await page.textContent('#person-name')) === otherName)
      await page.goBack()
      await until('it is back', async () => (await page.textContent('#person-name')) === name)
      await page.click('.person-head a')
      await page.waitForSelector('#map')
    }),
  )

  it('says so where nobody of the name is known, and shows the name as the text it is', () =>
    stage.during(
      { path: `/artist/${encodeURIComponent('<b>no/body</b>\u202e')}`, awaits: '.notice' },
      async ({ page }) => {
        await page.waitForSelector('.notice:has-text("Nobody of this name")')
        expect(await page.textContent('#person-name')).toBe('<b>no/body</b>\u202e')
        expect(await page.title()).toContain('<b>no/body</b>')
      },
    ))
})
