/** The page in several tabs of one browser, and in the frames of other sites. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Snapshot, snapshotSchema } from '../../src/dashboard/api.ts'
import { until } from '../dashboard/flow.ts'
import { CONNECTED, numberOf, openStage, type Stage, stateOf, visit } from './visit.ts'

let stage: Stage

beforeAll(async () => {
  stage = await openStage(async (flow) => {
    await flow.generate(200, 5 * 60_000)
    await flow.archive()
  })
})
afterAll(() => stage.close())

const snapshot = async (): Promise<Snapshot> =>
  snapshotSchema.parse(await (await fetch(`${stage.url}/api/snapshot`)).json())

/** Clients of the stream, as the metrics have them. */
async function streams(): Promise<number> {
  const text = await (await fetch(`${stage.url}/metrics`)).text()
  return Number(/^musicfaker_stream_clients (\d+)$/m.exec(text)?.[1])
}

describe('tabs', () => {
  it('share one stream, and when the one that has it closes, another takes it over', () =>
    stage.during({}, async ({ context, page }) => {
      const others = await Promise.all([1, 2].map(() => context.newPage()))
      for (const other of others) {
        await other.goto(stage.url)
        await other.waitForSelector(CONNECTED)
      }
      await until('there is one stream', async () => (await streams()) === 1)
      const [first] = others
      await page.close()
      await stage.flow.generate(5)
      await stage.flow.archive()
      const total = (await snapshot()).viewTotals!.events.count
      await until('another has it', async () => (await numberOf(first!, '#events')) >= total && (await streams()) === 1)
      expect(await stateOf(first!)).toBe('live')
    }))

  it('with another view have a stream of their own, and their own figures', () =>
    stage.during({}, async ({ context, page }) => {
      const other = await context.newPage()
      await other.goto(`${stage.url}/?action=skip`)
      await other.waitForSelector(CONNECTED)
      const skips = (await snapshot()).distributions!.action.values.find(([name]) => name === 'skip')![1]
      await until('it is filtered', async () => (await numberOf(other, '#events')) === skips)
      expect(await numberOf(page, '#events')).toBeGreaterThan(skips)
    }))

  it('take the stream from one that the browser has frozen, which catches up when it thaws', () =>
    stage.during({}, async ({ context, page }) => {
      const other = await context.newPage()
      await other.goto(stage.url)
      await other.waitForSelector(CONNECTED)
      const before = (await snapshot()).viewTotals!.events.count
      const session = await context.newCDPSession(page)
      await session.send('Debugger.enable')
      const stopped = new Promise((resolve) => session.once('Debugger.paused', resolve))
      await session.send('Debugger.pause')
      await stopped

      await stage.flow.generate(7)
      await stage.flow.archive()
      await until('the other has it', async () => (await numberOf(other, '#events')) === before + 7)
      expect(await stateOf(other)).toBe('live')

      await session.send('Debugger.resume')
      await stage.flow.generate(3)
      await stage.flow.archive()
      for (const each of [page, other]) {
        await until('both have all', async () => (await numberOf(each, '#events')) === before + 10)
        await until('both are live', async () => (await stateOf(each)) === 'live')
      }
      await until('there is one stream again', async () => (await streams()) === 1)
    }))
})

it('a tab for which the browser blocks site data has a stream and all keys', async () => {
  const { page, complaints, close } = await visit(stage.browser, 'about:blank')
  await page.addInitScript(`
    const blocked = () => { throw new DOMException('blocked', 'SecurityError') }
    Object.defineProperty(window, 'localStorage', { get: blocked })
    window.BroadcastChannel = class { constructor() { blocked() } }
    navigator.locks.request = async () => blocked()
  `)
  await page.goto(stage.url)
  await page.waitForSelector(CONNECTED)
  await until('it has the figures', async () => {
    return (await numberOf(page, '#events')) === (await snapshot()).viewTotals!.events.count
  })
  await page.keyboard.press('Space')
  await page.waitForSelector('.state-paused')
  expect(complaints).toEqual([])
  await close()
})

describe('a frame of another site', () => {
  /** A page of another origin that frames the dashboard at `path`, and what the frame then holds. */
  const framed = async (path: string) => {
    const site = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end(`<iframe src="${stage.url}${path}" width="900" height="700">`)
    })
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
    const visited = await visit(stage.browser, `http://127.0.0.1:${(site.address() as AddressInfo).port}`)
    return {
      ...visited,
      frame: visited.page.frames()[1]!,
      async leave() {
        await visited.close()
        site.close()
      },
    }
  }

  it('shows the page that is made for it, with figures that grow', async () => {
    const { frame, complaints, leave } = await framed('/?embed=1')
    await frame.waitForSelector(CONNECTED)
    const events = async () => Number((await frame.textContent('#events'))?.replaceAll(',', ''))
    await until('it has the figures', async () => (await events()) === (await snapshot()).viewTotals!.events.count)
    const before = await events()
    await stage.flow.generate(4)
    await stage.flow.archive()
    await until('they grow', async () => (await events()) === before + 4)
    expect(await frame.locator('header, .toolbar, footer').count()).toBe(0)
    expect(complaints).toEqual([])
    await leave()
  })

  it.each(['/', '/?embed=0', '/artist/nobody', '/docs'])('is refused %s', async (path) => {
    const { frame, complaints, leave } = await framed(path)
    await until('it is refused', () => complaints.some((each) => each.includes("frame-ancestors 'none'")))
    expect(await frame.locator('#page, main').count()).toBe(0)
    await leave()
  })
})
