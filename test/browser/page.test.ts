import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Snapshot, snapshotSchema } from '../../src/dashboard/api.ts'
import { formatTimestamp } from '../../src/event.ts'
import { until } from '../dashboard/flow.ts'
import { barsOf, numberOf, openStage, queryOf, type Stage, stateOf, tableOf, toNumber } from './visit.ts'

const PAGE = fileURLToPath(new URL('../../dist/web', import.meta.url))
const EVIL = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">'

let stage: Stage

beforeAll(async () => {
  stage = await openStage(async (flow) => {
    await flow.generate(800, 20 * 60_000)
    await flow.appendRaw('{bad', '[]', '{}')
    await flow.archive()
  })
})
afterAll(() => stage.close())

const snapshot = async (): Promise<Snapshot> =>
  snapshotSchema.parse(await (await fetch(`${stage.url}/api/snapshot`)).json())
const countries = new Intl.DisplayNames('en', { type: 'region' })

describe('the page', () => {
  it('shows what the API says', () =>
    stage.during({}, async ({ page }) => {
      const { viewTotals, distributions, top, quarantine, lag, skips, hours } = await snapshot()
      for (const of of ['events', 'artists', 'tracks', 'users'] as const) {
        expect([of, await numberOf(page, `#${of}`)]).toEqual([of, viewTotals![of].count])
      }
      expect(await numberOf(page, '#quarantine strong')).toBe(quarantine?.total)
      for (const dimension of ['genre', 'platform', 'device', 'action', 'country'] as const) {
        const { values } = distributions![dimension]
        const shown = await barsOf(page, dimension)
        const named = values.map(([name, events]) => [dimension === 'country' ? countries.of(name) : name, events])
        const most = shown.at(-1)?.[0] === 'others' ? shown.length - 1 : shown.length
        expect(shown.slice(0, most)).toEqual(named.slice(0, most))
        expect(shown.reduce((sum, [, events]) => sum + events, 0)).toBe(viewTotals!.events.count)
      }
      for (const kind of ['artists', 'tracks'] as const) {
        const shown = (await tableOf(page, `top-${kind}`)).slice(1)
        expect(shown.map(([name]) => name)).toEqual(top![kind].values.map(({ name }) => name))
        const column = kind === 'artists' ? 1 : 2
        expect(shown.map((row) => toNumber(row[column]!))).toEqual(top![kind].values.map(({ events }) => events))
      }
      const cells = (await tableOf(page, 'hours')).slice(1).map((row) => row.slice(1).map(toNumber))
      expect(cells).toEqual(hours!.matrix)
      const ofSkips = (await tableOf(page, 'skips')).map((row) => row.slice(1, 3).map(toNumber))
      expect(ofSkips[1]).toEqual([skips!.plays, skips!.skips])
      expect(ofSkips.slice(-3)).toEqual(skips!.curve.map(({ plays, skips }) => [plays, skips]))
      const share = ({ plays, skips }: { plays: number; skips: number }) => `${((100 * skips) / plays).toFixed(1)}%`
      expect(await page.locator('#skips .curve strong').allTextContents()).toEqual([...skips!.curve, skips!].map(share))
      expect(await page.locator('#lag tbody tr').count()).toBe(lag.count)
    }))

  it('shades the map by the numbers, each country named with its own', () =>
    stage.during({}, async ({ page }) => {
      const { values } = (await snapshot()).distributions!.country
      const [code, events] = values[0]!
      const most = page.locator(`#map [data-code="${code}"]`)
      expect(await most.getAttribute('aria-label')).toBe(`${countries.of(code)}: ${events.toLocaleString('en')}`)
      expect(await most.getAttribute('class')).toBe('country step-6')
      const silent = ['GL', 'KP', 'EH'].find((each) => values.every(([other]) => other !== each))
      expect(await page.getAttribute(`#map [data-code="${silent}"]`, 'class')).toBe('country step-0')
      const table = (await tableOf(page, 'map')).slice(1)
      expect(table.map(([name, number]) => [name, toNumber(number!)])).toEqual(
        values.map(([each, number]) => [countries.of(each), number]),
      )
    }))

  it('draws the events over time, and says each point by keyboard', () =>
    stage.during({}, async ({ page }) => {
      const { overTime } = await snapshot()
      const table = (await tableOf(page, 'over-time')).slice(1)
      expect(table.map(([, events]) => toNumber(events!))).toEqual(overTime!.events)
      expect(await page.locator('#over-time canvas').count()).toBe(1)
      await page.focus('#over-time .plot')
      await page.keyboard.press('Home')
      const [time, events] = table[0]!
      expect(await page.getAttribute('#over-time .plot', 'aria-valuetext')).toBe(`${time}: ${events}`)
      await page.keyboard.press('ArrowRight')
      expect(await page.getAttribute('#over-time .plot', 'aria-valuetext')).toBe(`${table[1]![0]}: ${table[1]![1]}`)
      const genres = await tableOf(page, 'genres-over-time')
      expect(genres[0]!.slice(1, -1)).toEqual(overTime!.genres.map(({ name }) => name))
      for (const [i, { values }] of overTime!.genres.entries()) {
        expect(genres.slice(1).map((row) => toNumber(row[i + 1]!))).toEqual(values)
      }
    }))

  it('grows by push as events come, without being asked again', () =>
    stage.during({}, async ({ page, requests }) => {
      const before = await numberOf(page, '#events')
      const events = await stage.flow.generate(10)
      for (const { user } of events) await page.waitForSelector(`#feed bdi:text-is("${user}")`)
      await stage.flow.archive()
      await until('the total grows', async () => (await numberOf(page, '#events')) === before + 10)
      const change = async () => (await page.textContent('.total .change.up'))?.startsWith('+10 ') ?? false
      await until('the change is told', change)
      expect(requests.filter((request) => request.includes('/api/snapshot'))).toEqual([])
    }))

  it('keeps still while paused, and catches up', () =>
    stage.during({}, async ({ context, page }) => {
      const before = await numberOf(page, '#events')
      await page.click('button:has-text("Pause")')
      expect(await stateOf(page)).toBe('paused')
      const other = await context.newPage()
      await other.goto(stage.url)
      await stage.flow.generate(10)
      await stage.flow.archive()
      await until('a page that is not paused has it', async () => (await numberOf(other, '#events')) === before + 10)
      expect(await numberOf(page, '#events')).toBe(before)
      await page.click('button:has-text("Resume")')
      await until('it has caught up', async () => (await numberOf(page, '#events')) === before + 10)
    }))

  it('shows hostile fields as the text they are', () =>
    stage.during({}, async ({ page }) => {
      const [event] = await stage.flow.generate(1)
      const evil = { ...event!, timestamp: formatTimestamp(Date.now()) }
      await stage.flow.append(
        Array.from({ length: 400 }, () => ({
          ...evil,
          track: EVIL,
          artist: '\u202eevil\u0000\u001b[31m\ud800',
          genre: '<b>x</b>',
          device: '__proto__',
        })),
      )
      await stage.flow.append([
        { ...evil, user: 'x'.repeat(10_000), artist: 'W'.repeat(10_000), platform: 'constructor' },
      ])
      await stage.flow.archive()
      await page.waitForSelector('#feed .track:has-text("<script>window.hacked")')
      await page.waitForSelector('#genres-over-time bdi:text-is("<b>x</b>")')
      await page.waitForSelector('#top-tracks .name:has-text("<script>window.hacked")')
      await page.waitForSelector('#device bdi:text-is("__proto__")')
      expect(await page.locator('#page script, #page img, #page b').count()).toBe(0)
      expect(await page.evaluate('window.hacked')).toBeUndefined()
      await untilNothingStandsOut(page)
      // The mark that turns the direction of text round reaches no further than the name it is in.
      expect(await page.$$eval('#feed .who bdi', (names) => names.every((name) => name.textContent !== ''))).toBe(true)

      await page.click('#device bdi:text-is("__proto__")')
      await page.waitForSelector('.chip:has-text("__proto__")')
      await until('it filters by it', async () => (await numberOf(page, '#events')) === 400)
      await page.click('#genres-over-time bdi:text-is("<b>x</b>")')
      expect((await queryOf(page)).getAll('genre')).toEqual(['<b>x</b>'])
    }))

  it('shows the longest names on a line each, and filters by them', () =>
    stage.during({}, async ({ page }) => {
      const [event] = await stage.flow.generate(1)
      const evil = { ...event!, timestamp: formatTimestamp(Date.now()) }
      const long = 'W'.repeat(256)
      const fields = { user: long, artist: long, track: long, genre: long, platform: long, device: long }
      await stage.flow.append(
        Array.from({ length: 300 }, (_, i) => ({ ...evil, ...fields, action: i < 100 ? 'play' : long })),
      )
      await stage.flow.archive()
      for (const place of ['#feed .track', '#top-tracks .name', '#top-artists .name', '#genres-over-time', '#skips']) {
        await page.waitForSelector(`${place} bdi:text-is("${long}")`)
      }
      for (const field of ['genre', 'platform', 'device', 'action']) {
        await page.click(`#${field} button:has(bdi:text-is("${long}"))`)
        await page.waitForSelector(`#${field} [aria-pressed="true"] bdi:text-is("${long}")`)
      }
      expect(await page.locator('.chip').count()).toBe(4)
      await until('it filters by them', async () => (await numberOf(page, '#events')) === 200)
      for (const width of [360, 800, 1440]) {
        await page.setViewportSize({ width, height: 900 })
        await untilNothingStandsOut(page)
        const heights = await page.$$eval('.name, .person, .chip', (names) => names.map((name) => name.clientHeight))
        expect(Math.max(...heights)).toBeLessThan(40)
        const shares = (part: string) =>
          page.$$eval(`.feed ${part}`, (parts) => parts.map((one) => one.clientWidth / one.parentElement!.clientWidth))
        expect(Math.min(...(await shares('.track')))).toBeGreaterThan(0.5)
        expect(Math.max(...(await shares('.action')))).toBeLessThan(0.45)
      }
      await page.click('#top-artists .person')
      await until('the page about them', async () => (await numberOf(page, '#person-events')) === 300)
      await untilNothingStandsOut(page)
    }))

  it('weighs less than 150 kB gzipped', async () => {
    let bytes = 0
    for (const entry of await readdir(PAGE, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) bytes += gzipSync(await readFile(join(entry.parentPath, entry.name))).length
    }
    expect(bytes).toBeGreaterThan(5_000)
    expect(bytes).toBeLessThan(150_000)
  })
})

/** Charts follow a change of the window's width with the next frame. */
function untilNothingStandsOut(page: Page): Promise<void> {
  return until('nothing is wider than the window', async () => {
    return await page.evaluate<boolean>('document.documentElement.scrollWidth <= window.innerWidth')
  })
}

describe('languages', () => {
  it('speaks the browser’s language, and the one that was chosen ever after', async () => {
    await stage.during({ locale: 'fr-CA' }, async ({ context, page }) => {
      expect(await page.textContent('h1')).toBe('Écoutes musicales en direct')
      expect(await page.getAttribute('html', 'lang')).toBe('fr')
      const [code] = (await snapshot()).distributions!.country.values[0]!
      expect(await page.textContent('#country .name bdi')).toBe(
        new Intl.DisplayNames('fr', { type: 'region' }).of(code),
      )
      await page.click('.languages [lang="en"]')
      expect(await page.textContent('h1')).toBe('Live music events')
      expect((await queryOf(page)).get('lang')).toBe('en')
      const other = await context.newPage()
      await other.goto(stage.url)
      expect(await other.textContent('h1')).toBe('Live music events')
      expect(await other.title()).toContain('Live music events')
    })
  })

  it('speaks English where it knows no better, and what the address says before all', async () => {
    await stage.during({ locale: 'ja-JP' }, async ({ page }) => {
      expect(await page.textContent('h1')).toBe('Live music events')
    })
    await stage.during({ locale: 'en', path: '/?lang=fr' }, async ({ page }) => {
      expect(await page.textContent('h1')).toBe('Écoutes musicales en direct')
    })
  })
})
