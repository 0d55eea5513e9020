import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Snapshot, snapshotSchema } from '../../src/dashboard/api.ts'
import type { Dashboard } from '../../src/dashboard/server.ts'
import { formatTimestamp } from '../../src/event.ts'
import { Flow, until } from '../dashboard/flow.ts'
import { launchChromium } from './chromium.ts'
import { buildPage, expectClean, numberOf, stateOf, type Visit, visit } from './visit.ts'

const EVIL = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">'

let browser: Browser
let built: Awaited<ReturnType<typeof buildPage>>
let flow: Flow
let dashboard: Dashboard

beforeAll(async () => {
  built = await buildPage()
  browser = await launchChromium()
  flow = await Flow.open()
  await flow.generate(800, 20 * 60_000)
  await flow.appendRaw('{bad', '[]', '{}')
  await flow.archive()
  dashboard = await flow.dashboard({ webFolder: built.folder })
})
afterAll(async () => {
  await browser.close()
  await flow.close()
  await built.remove()
})

const snapshot = async (): Promise<Snapshot> =>
  snapshotSchema.parse(await (await fetch(`${dashboard.url}/api/snapshot`)).json())
/** The names and numbers of a list of bars. */
const bars = (page: Page, id: string) =>
  page.$$eval(`#${id} li`, (items) =>
    items.map((item) => [
      item.querySelector('.name')?.textContent ?? '',
      Number(item.querySelector('.number')?.textContent?.replace(/\D/g, '')),
    ]),
  )
const during = async (options: Parameters<typeof visit>[2], run: (visited: Visit) => Promise<void>) => {
  const visited = await visit(browser, dashboard.url, options)
  try {
    await visited.page.waitForSelector('.state-live')
    await run(visited)
    expectClean(visited, dashboard.url)
  } finally {
    await visited.close()
  }
}

describe('the page', () => {
  it('shows what the API says', () =>
    during({}, async ({ page }) => {
      const { totals, distributions, top, quarantine, series, lag } = await snapshot()
      expect(await stateOf(page)).toBe('live')
      expect(await numberOf(page, '#events')).toBe(totals?.events)
      expect(await numberOf(page, '#artists')).toBe(totals?.artists.count)
      expect(await numberOf(page, '#tracks')).toBe(totals?.tracks.count)
      expect(await numberOf(page, '#users')).toBe(totals?.users.count)
      expect(await numberOf(page, '#quarantine strong')).toBe(quarantine?.total)
      for (const dimension of ['genre', 'platform', 'device', 'action'] as const) {
        const { values, others } = distributions![dimension]
        expect(await bars(page, dimension)).toEqual(others > 0 ? [...values, ['others', others]] : values)
      }
      const countries = new Intl.DisplayNames('en', { type: 'region' })
      const [code, events] = distributions!.country.values[0]!
      expect((await bars(page, 'country'))[0]).toEqual([countries.of(code), events])
      expect((await bars(page, 'top-artists')).map(([name]) => name)).toEqual(
        top!.artists.values.map(({ name }) => name),
      )
      const table = await page.$$eval('#per-minute tbody td', (cells) => cells.map((cell) => Number(cell.textContent)))
      expect(table.reverse()).toEqual(series!.values)
      expect(await page.locator('#lag tbody tr').count()).toBe(lag.count)
    }))

  it('grows by push as events come, without being asked again', () =>
    during({}, async ({ page, requests }) => {
      const before = await numberOf(page, '#events')
      const events = await flow.generate(10)
      for (const { user } of events) await page.waitForSelector(`#feed .col-listener bdi:text-is("${user}")`)
      await flow.archive()
      await until('the total grows', async () => (await numberOf(page, '#events')) === before + 10)
      await until(
        'the change is told',
        async () => (await page.textContent('.total .change.up'))?.startsWith('+10 ') ?? false,
      )
      expect(requests.filter((request) => request.endsWith('/api/snapshot'))).toEqual([])
    }))

  it('shows markup in an event as the text it is', () =>
    during({}, async ({ page }) => {
      const [event] = await flow.generate(1)
      const evil = { ...event!, timestamp: formatTimestamp(Date.now()) }
      await flow.append(
        Array.from({ length: 400 }, () => ({
          ...evil,
          track: EVIL,
          artist: '\u202eevil\u0000',
          genre: '<b>x</b>',
          device: '__proto__',
        })),
      )
      await flow.append([{ ...evil, user: 'x'.repeat(10_000), artist: 'W'.repeat(10_000), platform: 'constructor' }])
      await flow.archive()
      await page.waitForSelector(`#feed td:has-text("<script>window.hacked")`)
      await page.waitForSelector('#genre bdi:text-is("<b>x</b>")')
      await page.waitForSelector('#top-tracks .name:has-text("<script>window.hacked")')
      await page.waitForSelector('#device bdi:text-is("__proto__")')
      expect(await page.locator('#page script, #page img, #page b').count()).toBe(0)
      expect(await page.evaluate('window.hacked')).toBeUndefined()
      expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)
    }))

  it('keeps still while paused, and catches up', () =>
    during({}, async ({ page }) => {
      const before = await numberOf(page, '#events')
      await page.click('button:has-text("Pause")')
      expect(await stateOf(page)).toBe('paused')
      const other = await visit(browser, dashboard.url)
      await flow.generate(10)
      await flow.archive()
      await until(
        'a page that is not paused has it',
        async () => (await numberOf(other.page, '#events')) === before + 10,
      )
      await other.close()
      expect(await numberOf(page, '#events')).toBe(before)
      await page.click('button:has-text("Resume")')
      await until('it has caught up', async () => (await numberOf(page, '#events')) === before + 10)
    }))

  it('weighs less than 150 kB gzipped', async () => {
    let bytes = 0
    for (const entry of await readdir(built.folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) bytes += gzipSync(await readFile(join(entry.parentPath, entry.name))).length
    }
    expect(bytes).toBeGreaterThan(5_000)
    expect(bytes).toBeLessThan(150_000)
  })
})

describe('languages', () => {
  it('speaks the browser’s language, and the one that was chosen ever after', async () => {
    const visited = await visit(browser, dashboard.url, { locale: 'fr-CA' })
    const { page } = visited
    await page.waitForSelector('.state-live')
    expect(await page.textContent('h1')).toBe('Écoutes musicales en direct')
    expect(await page.getAttribute('html', 'lang')).toBe('fr')
    const [code] = (await snapshot()).distributions!.country.values[0]!
    expect(await page.textContent('#country .name')).toBe(new Intl.DisplayNames('fr', { type: 'region' }).of(code))
    expect(await stateOf(page)).toBe('en direct')
    await page.click('button:has-text("EN")')
    expect(await page.textContent('h1')).toBe('Live music events')
    await page.reload()
    await page.waitForSelector('.state-live')
    expect(await page.textContent('h1')).toBe('Live music events')
    expect(await page.title()).toContain('Live music events')
    expectClean(visited, dashboard.url)
    await visited.close()
  })

  it('speaks English where it knows no better', () =>
    during({ locale: 'ja-JP' }, async ({ page }) => {
      expect(await page.textContent('h1')).toBe('Live music events')
    }))
})

describe('for everyone', () => {
  it.each([1440, 768, 390])('fits %i px', (width) =>
    during({ viewport: { width, height: 800 } }, async ({ page }) => {
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    }),
  )

  it('is used by keyboard: skip link, pause, language, tables', () =>
    during({}, async ({ page }) => {
      await page.keyboard.press('Tab')
      expect(await page.evaluate('document.activeElement.getAttribute("href")')).toBe('#figures')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Space')
      expect(await stateOf(page)).toBe('paused')
      await page.keyboard.press('Space')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      expect(await page.getAttribute('html', 'lang')).toBe('fr')
      await page.focus('#per-minute summary')
      await page.keyboard.press('Enter')
      expect(await page.isVisible('#per-minute table')).toBe(true)
    }))

  it('has landmarks, one first heading, and a heading for each part', () =>
    during({}, async ({ page }) => {
      expect(await page.locator('header, main, footer').count()).toBe(3)
      expect(await page.locator('h1').count()).toBe(1)
      for (const section of await page.locator('main section.panel').all()) {
        expect(await section.locator('h2').count()).toBe(1)
      }
      expect(await page.locator('svg:not([aria-hidden="true"])').count()).toBe(0)
    }))

  it.each(['light', 'dark'] as const)('has contrast in the %s theme', (colorScheme) =>
    during({ colorScheme }, async ({ page }) => {
      const ratios = await page.evaluate(contrasts, [
        '.label',
        '.muted',
        '.figure',
        '.state-word',
        '.tag',
        'th',
        'td',
        'a',
        '.number',
      ])
      for (const [selector, ratio] of ratios) expect([selector, ratio >= 4.5]).toEqual([selector, true])
    }),
  )

  it('does not move where motion is not wanted', () =>
    during({ reducedMotion: 'reduce' }, async ({ page }) => {
      expect(await page.evaluate('document.getAnimations().length')).toBe(0)
    }))
})

/** Runs in the page: WCAG contrast of the first element of each selector with what is painted behind it. */
function contrasts(selectors: string[]): [string, number][] {
  const { document, getComputedStyle } = globalThis as unknown as {
    document: { querySelector(selector: string): Element | null; createElement(name: 'canvas'): Canvas }
    getComputedStyle(element: Element): { color: string; backgroundColor: string }
  }
  interface Element {
    parentElement: Element | null
  }
  interface Canvas {
    getContext(
      kind: '2d',
      options: { willReadFrequently: true },
    ): {
      fillStyle: string
      fillRect(...box: number[]): void
      clearRect(...box: number[]): void
      getImageData(...box: number[]): { data: Uint8ClampedArray }
    }
  }
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const pixel = (color: string): number[] => {
    context.clearRect(0, 0, 1, 1)
    context.fillStyle = color
    context.fillRect(0, 0, 1, 1)
    return [...context.getImageData(0, 0, 1, 1).data]
  }
  const luminance = ([r = 0, g = 0, b = 0]: number[]): number => {
    const linear = (c: number) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
  }
  return selectors.map((selector) => {
    const element = document.querySelector(selector)
    if (!element) return [selector, 0]
    let behind: Element | null = element
    while (behind && pixel(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement
    const [a, b] = [element, behind ?? element].map((each, i) =>
      luminance(pixel(getComputedStyle(each)[i === 0 ? 'color' : 'backgroundColor'])),
    ) as [number, number]
    return [selector, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]
  })
}
