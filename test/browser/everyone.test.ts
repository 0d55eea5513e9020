/** The page for everyone: any width, keyboard only, screen readers, contrast, no motion. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONNECTED, openStage, type Stage, stateOf } from './visit.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

let stage: Stage

beforeAll(async () => {
  stage = await openStage(async (flow) => {
    await flow.generate(500, 20 * 60_000)
    await flow.appendRaw('{bad')
    await flow.archive()
  })
})
afterAll(() => stage.close())

interface Violation {
  id: string
  impact: string
  nodes: { target: string[]; failureSummary: string }[]
}

/** What axe finds serious or critical, targets that are too small for fingers among it: that rule has to be asked for. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await readAxe())
  const found = (await page.evaluate(
    'axe.run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } })',
  )) as {
    violations: Violation[]
  }
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
    )
}

let axe: Promise<string> | undefined
const readAxe = () => {
  axe ??= readFile(AXE, 'utf8')
  return axe
}

describe('axe finds nothing serious', () => {
  it.each(['light', 'dark'] as const)('in the %s theme, with tables, menu and found names open', (colorScheme) =>
    stage.during({ colorScheme, path: '/?window=60m&action=play' }, async ({ page }) => {
      await page.waitForSelector('#top-artists li')
      for (const id of ['country', 'hours', 'top-tracks']) await page.click(`#${id} .tool`)
      await page.click('button:has-text("Export")')
      await page.keyboard.press('/')
      await page.keyboard.type('a')
      expect(await violations(page)).toEqual([])
    }),
  )

  it('in French on a phone, in the help, on a page of its own, and embedded', async () => {
    await stage.during({ locale: 'fr', viewport: { width: 390, height: 800 } }, async ({ page }) => {
      await page.waitForSelector('#top-artists li')
      expect(await violations(page)).toEqual([])
      await page.keyboard.press('?')
      await page.waitForSelector('dialog[open]')
      expect(await violations(page)).toEqual([])
    })
    await stage.during({ path: '/artist/nobody', awaits: '.notice' }, async ({ page }) => {
      expect(await violations(page)).toEqual([])
    })
    await stage.during({ path: '/?embed=1' }, async ({ page }) => {
      await page.waitForSelector('#top-artists li')
      expect(await violations(page)).toEqual([])
    })
  })
})

it.each([1440, 768, 390])('fits %i px, in both languages', async (width) => {
  for (const locale of ['en', 'fr']) {
    await stage.during({ locale, viewport: { width, height: 800 } }, async ({ page }) => {
      await page.waitForSelector('#top-artists li')
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
      await page.click('[aria-controls="export"]')
      const menu = await page.locator('#export').boundingBox()
      expect(menu?.x).toBeGreaterThan(0)
      expect((menu?.x ?? width) + (menu?.width ?? 0)).toBeLessThan(width)
    })
  }
})

describe('by keyboard', () => {
  it('the tab key reaches every control once, in the order of the page, and the focus shows', () =>
    stage.during({ path: '/?paused=1&genre=Rock', awaits: '#top-artists li' }, async ({ page }) => {
      await page.keyboard.press('Tab')
      expect(await page.evaluate('document.activeElement.getAttribute("href")')).toBe('#figures')
      const expected = await page.evaluate(
        `[...document.querySelectorAll('a[href], button, input, [tabindex="0"]')].filter((each) => each.tabIndex >= 0 && each.checkVisibility()).length`,
      )
      const seen = new Set<string>()
      let top = 0
      for (let i = 1; i < Number(expected); i++) {
        await page.keyboard.press('Tab')
        const { key, shows, y } = (await page.evaluate(FOCUS)) as { key: string; shows: boolean; y: number }
        expect([key, shows]).toEqual([key, true])
        expect(seen.has(key)).toBe(false)
        seen.add(key)
        top = Math.max(top, y)
      }
      expect(top).toBeGreaterThan(2_000)
    }))

  it('keys pause, change the theme, find and help, but not where one types, and can be switched off', () =>
    stage.during({ colorScheme: 'light' }, async ({ page }) => {
      await page.keyboard.press('Space')
      expect(await stateOf(page)).toBe('paused')
      await page.keyboard.press('Space')
      await page.waitForSelector(CONNECTED)
      await page.keyboard.press('t')
      expect(await page.getAttribute('html', 'data-theme')).toBe('dark')
      await page.keyboard.press('/')
      await page.keyboard.type('t ?')
      expect(await page.inputValue('#find')).toBe('t ?')
      expect(await page.getAttribute('html', 'data-theme')).toBe('dark')
      await page.keyboard.press('Escape')
      await page.keyboard.press('?')
      await page.waitForSelector('dialog[open]')
      await page.uncheck('dialog input')
      await page.keyboard.press('Escape')
      await page.waitForSelector('dialog:not([open])', { state: 'attached' })
      await page.keyboard.press('t')
      expect(await page.getAttribute('html', 'data-theme')).toBe('dark')
      await page.reload()
      await page.waitForSelector(CONNECTED)
      expect(await page.getAttribute('html', 'data-theme')).toBe('dark')
    }))

  it('a table opens behind each chart', () =>
    stage.during({}, async ({ page }) => {
      for (const id of [
        'map',
        'over-time',
        'genres-over-time',
        'hours',
        'skips',
        'durations',
        'country',
        'top-artists',
      ]) {
        await page.focus(`#${id} .tool`)
        await page.keyboard.press('Enter')
        expect(await page.locator(`#${id} .behind tbody tr`).count()).toBeGreaterThan(0)
      }
    }))
})

it('has landmarks, one first heading, and a heading for each part', () =>
  stage.during({}, async ({ page }) => {
    expect(await page.locator('header, main, footer').count()).toBe(3)
    expect(await page.locator('h1').count()).toBe(1)
    for (const section of await page.locator('main section.panel:not(.now)').all()) {
      expect(await section.locator('h2').count()).toBe(1)
    }
    // Drawings are decoration beside their words, but for the map, whose countries have names.
    expect(await page.locator('svg:not([aria-hidden="true"])').count()).toBe(1)
  }))

it('does not move where motion is not wanted', () =>
  stage.during({ reducedMotion: 'reduce' }, async ({ page }) => {
    expect(await page.evaluate('document.getAnimations().length')).toBe(0)
  }))

/** In the page: what has the focus, whether it shows, and how far down it is. */
const FOCUS = `(() => {
  const focused = document.activeElement
  const all = [...document.querySelectorAll('*')]
  const style = getComputedStyle(focused)
  const ring = (each) => getComputedStyle(each).outlineStyle !== 'none'
  const shows = ring(focused) || ring(focused.closest('.find') ?? focused) || document.querySelector('.outlined.focused') !== null
  return { key: String(all.indexOf(focused)), shows, y: focused.getBoundingClientRect().top + scrollY }
})()`
