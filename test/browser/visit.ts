/** The built page in Chromium: what a visit collects, and what it must never contain. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { expect, vi } from 'vitest'
import type { DashboardOptions } from '../../src/dashboard/server.ts'
import { Flow } from '../dashboard/flow.ts'
import { launchChromium } from './chromium.ts'

/** The stream is open; events that are older than a minute make it stale. */
export const CONNECTED = '.state-live, .state-stale'

// A browser on a busy machine takes its time; a page that really hangs is seen by the waits within a test.
vi.setConfig({ testTimeout: 120_000 })

/** A browser and a flow, with a dashboard that serves the built page: `test/services.ts` sees to it that it is of now. */
export interface Stage {
  browser: Browser
  flow: Flow
  url: string
  /** A visit that must end without complaints. */
  during(options: VisitOptions, run: (visited: Visit) => Promise<void>): Promise<void>
  close(): Promise<void>
}

/** @param fill puts events into the flow before the dashboard starts */
export async function openStage(
  fill: (flow: Flow) => Promise<void> = async () => undefined,
  options: Partial<DashboardOptions> = {},
): Promise<Stage> {
  const browser = await launchChromium()
  const flow = await Flow.open()
  await fill(flow)
  const { url } = await flow.dashboard(options)
  return {
    browser,
    flow,
    url,
    async during(options, run) {
      const visited = await visit(browser, `${url}${options.path ?? ''}`, options)
      try {
        await visited.page.waitForSelector(options.awaits ?? CONNECTED)
        await run(visited)
        expectClean(visited, url)
      } finally {
        await visited.close()
      }
    },
    async close() {
      await browser.close()
      await flow.close()
    },
  }
}

export interface VisitOptions extends BrowserContextOptions {
  /** Path and query of the page. */
  path?: string
  /** What shows that the page is there; without it, that the stream is open. */
  awaits?: string
}

export interface Visit {
  context: BrowserContext
  page: Page
  /** What the console said, errors of the page, violations of the content security policy. */
  complaints: string[]
  /** Every address that was asked for. */
  requests: string[]
  close(): Promise<void>
}

export async function visit(browser: Browser, url: string, options: VisitOptions = {}): Promise<Visit> {
  const { path: _path, awaits: _awaits, ...ofContext } = options
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1440, height: 900 }, ...ofContext })
  const page = await context.newPage()
  const complaints: string[] = []
  const requests: string[] = []
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => requests.push(request.url()))
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.goto(url)
  return { context, page, complaints, requests, close: () => context.close() }
}

/** The number that an element shows, whatever the language groups its digits with. */
export async function numberOf(page: Page, selector: string): Promise<number> {
  return toNumber((await page.textContent(selector)) ?? '')
}

export const toNumber = (text: string): number => Number(text.replace(/[^\d-]/g, '') || Number.NaN)

/** The query of the page's address. Playwright's own `url()` hears of a change only later. */
export async function queryOf(page: Page): Promise<URLSearchParams> {
  return new URLSearchParams(await page.evaluate<string>('location.search'))
}

/** The state in words, as a screen reader hears it. */
export async function stateOf(page: Page): Promise<string> {
  return (await page.textContent('[role="status"]')) ?? ''
}

/** The names and numbers of a list of bars. */
export async function barsOf(page: Page, id: string): Promise<[string, number][]> {
  const texts = await page.$$eval(`#${id} li`, (items) =>
    items.map((item) => [
      item.querySelector('.name bdi, .name')?.textContent ?? '',
      item.querySelector('.number')?.textContent ?? '',
    ]),
  )
  return texts.map(([name = '', number = '']) => [name, toNumber(number)])
}

/** The table behind a chart: heads and rows. Opens it. */
export async function tableOf(page: Page, id: string): Promise<string[][]> {
  if ((await page.locator(`#${id} .behind`).count()) === 0) await page.click(`#${id} .tool >> nth=0`)
  return page.$$eval(`#${id} .behind tr`, (rows) =>
    rows.map((row) => [...row.querySelectorAll('th, td')].map((cell) => cell.textContent ?? '')),
  )
}

/** Nothing went wrong, and nothing was asked of anyone but the server. */
export function expectClean({ complaints, requests }: Visit, url: string): void {
  expect(complaints).toEqual([])
  expect(requests.filter((request) => !request.startsWith(url) && !request.startsWith('blob:'))).toEqual([])
}
