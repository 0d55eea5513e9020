/** Whatever producers write in an event, every answer keeps its form: it stays text, and short. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { snapshotSchema } from '../../src/dashboard/api.ts'
import { lookupSchema } from '../../src/dashboard/api-lookup.ts'
import { MAX_NAME } from '../../src/dashboard/api-values.ts'
import { PROBLEM_TYPE, problemSchema } from '../../src/dashboard/problem.ts'
import type { Dashboard } from '../../src/dashboard/server.ts'
import { eventOf } from '../stats/records.ts'
import { Flow, until } from './flow.ts'

const HOSTILE = {
  markup: '<script>alert(1)</script><img src=x onerror=alert(1)>',
  'an attribute': '" onmouseover="alert(1)',
  'right-to-left marks': 'abc\u202egnp.exe\u2066\u200f',
  'control characters': 'a\0b\u0007\u001b[31m\u0085\u2028\u2029',
  'a stream of its own': 'x\n\nid: 1\nevent: snapshot\ndata: {}\n\n',
  'a lone surrogate': 'x\ud800y',
  'the longest name that is counted': 'y'.repeat(256),
  'the longest of two units': '\ud83d\ude00'.repeat(128),
  '10,000 characters': 'x'.repeat(10_000),
  '10,000 of two units': '\ud83c\udfb5'.repeat(10_000),
  'a name of a prototype': '__proto__',
  'a metric': 'x"} 1\nmusicfaker_archived_events_total 7',
}

let flow: Flow
let dashboard: Dashboard

beforeAll(async () => {
  flow = await Flow.open()
  await flow.append(
    Object.values(HOSTILE).map((text) =>
      eventOf({ user: text, artist: text, track: text, genre: text, device: text, action: text }, Date.now() - 1_000),
    ),
  )
  await flow.archive()
  dashboard = await flow.dashboard()
  await until('the feed has rows', async () => {
    const { recent } = snapshotSchema.parse(await (await fetch(`${dashboard.url}/api/snapshot`)).json())
    return recent.rows.length > 0
  })
})
afterAll(() => flow.close())

const get = async (path: string) => {
  const response = await fetch(dashboard.url + path)
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

describe('hostile fields', () => {
  it.each(Object.entries(HOSTILE))('are text and short: %s', async (_, text) => {
    for (const window of ['15m', 'all']) {
      const { status, type, text: body } = await get(`/api/snapshot?window=${window}`)
      expect([status, type]).toEqual([200, 'application/json; charset=utf-8'])
      const { top, recent, skips, overTime } = snapshotSchema.parse(JSON.parse(body))
      for (const { id, duration, ...fields } of recent.rows) {
        for (const value of Object.values(fields)) expect(value.length).toBeLessThanOrEqual(MAX_NAME)
      }
      if (text.length <= 256) expect(top?.artists.values).toContainEqual(expect.objectContaining({ name: text }))
      expect(body.length).toBeLessThan(100_000)
      expect([skips?.devices.every(({ device }) => device.length <= MAX_NAME), overTime?.genres.length]).toEqual([
        true,
        8,
      ])
    }
  })

  it.each(Object.entries(HOSTILE))(
    'can be asked for as they are shown where they are short, and are refused else: %s',
    async (_, text) => {
      const path = `/api/artist/${encodeURIComponent(text.toWellFormed())}`
      const found = await get(path)
      if (text.length > 256) {
        expect([found.status, found.type]).toEqual([400, PROBLEM_TYPE])
        expect(problemSchema.parse(JSON.parse(found.text)).code).toBe('USAGE')
      } else if (text.isWellFormed()) {
        expect(lookupSchema.parse(JSON.parse(found.text))).toMatchObject({ name: text, events: 1 })
        const filtered = await get(`/api/snapshot?genre=${encodeURIComponent(text)}`)
        const { viewTotals, distributions } = snapshotSchema.parse(JSON.parse(filtered.text))
        expect(viewTotals?.events).toEqual({ count: 1, kind: 'exact' })
        for (const field of ['genre', 'device', 'action'] as const) {
          expect(distributions?.[field].values).toContainEqual([text, 1])
        }
      }
    },
  )

  it('end no line of a stream but their own', async () => {
    const stop = new AbortController()
    const response = await fetch(`${dashboard.url}/api/live`, { signal: stop.signal })
    let text = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      if (text.includes('event: delta')) break
    }
    stop.abort()
    for (const line of text.split(/\r\n|\r|\n/)) expect(line).toMatch(/^(|(retry|id|event|data): .*)$/s)
    expect(text.match(/^event: snapshot$/gm)).toHaveLength(1)
  })

  it('reach neither metrics nor headers', async () => {
    const metrics = await get('/metrics')
    expect(metrics.text).not.toMatch(/script|__proto__|xxx/)
    expect(metrics.text).toMatch(/^musicfaker_archived_events_total 12$/m)
    const { headers } = await fetch(`${dashboard.url}/api/listener/${encodeURIComponent('a\r\nx-evil: 1')}`)
    expect(headers.get('x-evil')).toBeNull()
  })
})
