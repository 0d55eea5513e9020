/** The built page in Chromium: what a visit collects, and what it must never contain. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { build } from 'vite'
import { expect } from 'vitest'

const WEB = fileURLToPath(new URL('../../web', import.meta.url))

/** Builds the page of the present sources into a temporary folder. */
export async function buildPage(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'music-faker-page-'))
  await build({ root: WEB, logLevel: 'warn', build: { outDir: folder, emptyOutDir: true } })
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

export interface Visit {
  page: Page
  /** What the console said, errors of the page, violations of the content security policy. */
  complaints: string[]
  /** Every address that was asked for. */
  requests: string[]
  close(): Promise<void>
}

export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1440, height: 900 }, ...options })
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
  return { page, complaints, requests, close: () => context.close() }
}

/** The number that an element shows, whatever the language groups its digits with. */
export async function numberOf(page: Page, selector: string): Promise<number> {
  const text = (await page.textContent(selector)) ?? ''
  return Number(text.replace(/[^\d-]/g, '') || Number.NaN)
}

/** The state in words, as a screen reader hears it. */
export async function stateOf(page: Page): Promise<string> {
  return (await page.textContent('[role="status"]')) ?? ''
}

/** Nothing went wrong, and nothing was asked of anyone but the server. */
export function expectClean({ complaints, requests }: Visit, url: string): void {
  expect(complaints).toEqual([])
  expect(requests.filter((request) => !request.startsWith(url))).toEqual([])
}
