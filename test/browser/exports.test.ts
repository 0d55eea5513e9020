/** Exports: what is saved is what the screen shows, and a link leads there. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Snapshot } from '../../src/dashboard/api.ts'
import { ELSEWHERE } from './chromium.ts'
import { barsOf, CONNECTED, numberOf, openStage, type Stage, tableOf, visit } from './visit.ts'

let stage: Stage

beforeAll(async () => {
  stage = await openStage(async (flow) => {
    await flow.generate(500, 3_600_000)
    await flow.archive()
  })
})
afterAll(() => stage.close())

describe('an export', () => {
  const download = async (page: Page, click: () => Promise<void>) => {
    const [file] = await Promise.all([page.waitForEvent('download'), click()])
    const chunks: Buffer[] = []
    for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer)
    return { name: file.suggestedFilename(), content: Buffer.concat(chunks) }
  }

  it('of a chart as CSV is its table, and as a picture is a picture', () =>
    stage.during({}, async ({ page }) => {
      await page.keyboard.press('Space')
      for (const id of [
        'country',
        'genres-over-time',
        'hours',
        'top-tracks',
        'durations',
        'skips',
        'feed',
        'over-time',
      ]) {
        const { name, content } = await download(page, () => page.click(`#${id} .tool >> nth=1`))
        expect(name).toBe(`${id}.csv`)
        const table = await tableOf(page, id)
        expect(readCsv(content).map((row) => row.map(plain))).toEqual(table.map((row) => row.map(plain)))
      }
      for (const id of ['map', 'over-time', 'hours']) {
        const { name, content } = await download(page, () => page.click(`#${id} .tool >> nth=2`))
        expect(name).toBe(`${id}.png`)
        expect(content.subarray(1, 4).toString()).toBe('PNG')
        expect(content.length).toBeGreaterThan(10_000)
      }
    }))

  it('of all is what the screen shows', () =>
    stage.during({ path: '/?action=skip' }, async ({ page }) => {
      await page.waitForSelector('[aria-busy="false"]')
      await page.keyboard.press('Space')
      await page.click('button:has-text("Export")')
      const json = await download(page, () => page.click('button:has-text("as JSON")'))
      expect(json.name).toBe('music-faker.json')
      const shown = JSON.parse(json.content.toString('utf8')) as Snapshot & { address: string }
      expect(shown.address).toBe(await page.evaluate('location.href'))
      expect(shown.view!.filter).toEqual({ action: ['skip'] })
      expect(shown.viewTotals!.events.count).toBe(await numberOf(page, '#events'))

      await page.click('button:has-text("Export")')
      const all = await download(page, () => page.click('button:has-text("as CSV")'))
      const rows = readCsv(all.content)
      expect(rows[0]).toEqual(['chart', 'row', 'column', 'value'])
      const devices = rows.filter(([chart, , column]) => chart === 'device' && column === 'Events')
      const bars = (await barsOf(page, 'device')).filter(([name]) => name !== 'others')
      expect(devices.slice(0, bars.length).map(([, name, , events]) => [name, Number(events)])).toEqual(bars)
      expect(new Set(rows.slice(1).map(([chart]) => chart)).size).toBeGreaterThan(8)
    }))

  /** As the screen shows it: without the grouping of digits, or the apostrophe that keeps formulas from running. */
  const plain = (text: string) => (/^[\d,.]+$/.test(text) ? String(Number(text.replaceAll(',', ''))) : text)

  function readCsv(content: Buffer): string[][] {
    expect([...content.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf])
    const text = content.toString('utf8', 3)
    const cells = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n)/g
    const rows: string[][] = [[]]
    for (const [, cell = '', end] of text.matchAll(cells)) {
      rows.at(-1)!.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell)
      if (end === '\r\n') rows.push([])
    }
    return rows.slice(0, -1)
  }
})

describe('a link to the view', () => {
  const FIELD = '#export input'
  const askForLink = async (page: Page) => {
    await page.click('button:has-text("Export")')
    await page.click('button:has-text("Copy a link")')
  }
  /** What the clipboard holds, as a field takes it. */
  const pasted = async (page: Page) => {
    await page.focus('#find')
    await page.keyboard.press('Control+V')
    return page.inputValue('#find')
  }

  it('is copied', () =>
    stage.during({ path: '/?action=skip' }, async ({ context, page }) => {
      await context.grantPermissions(['clipboard-read', 'clipboard-write'])
      await askForLink(page)
      await page.waitForSelector('button:has-text("Copied")')
      expect(await page.isVisible('#export')).toBe(false)
      expect(await pasted(page)).toBe(`${stage.url}/?action=skip`)
    }))

  it('is copied where the page came by plain HTTP from another machine', async () => {
    const { port } = await stage.flow.dashboard({ host: '0.0.0.0' })
    const url = `http://${ELSEWHERE}:${port}/?action=skip`
    const { page, close } = await visit(stage.browser, url)
    await page.waitForSelector(CONNECTED)
    expect(await page.evaluate('isSecureContext')).toBe(false)
    await askForLink(page)
    await page.waitForSelector('button:has-text("Copied")')
    expect(await page.isVisible('#export')).toBe(false)
    expect(await pasted(page)).toBe(url)
    await close()
  })

  it('can be taken by hand where the browser lets no page copy', () =>
    stage.during({ path: '/?action=like' }, async ({ page }) => {
      await page.evaluate(`
        navigator.clipboard.writeText = () => Promise.reject(new DOMException('denied', 'NotAllowedError'))
        document.execCommand = () => false
      `)
      await askForLink(page)
      await page.waitForSelector(FIELD)
      expect(await page.textContent('#export label')).toContain('copy the address')
      await page.keyboard.press('Control+C')
      await page.keyboard.press('Escape')
      expect(await page.isVisible('#export')).toBe(false)
      expect(await pasted(page)).toBe(`${stage.url}/?action=like`)
      // The next time, the menu is as it was.
      await page.click('button:has-text("Export")')
      expect(await page.locator(FIELD).count()).toBe(0)
    }))
})
