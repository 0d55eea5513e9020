import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lookupSchema } from '../../src/dashboard/api-lookup.ts'
import { Found, spellings } from '../../src/dashboard/found.ts'
import { Lookups } from '../../src/dashboard/lookup.ts'
import type { Dashboard } from '../../src/dashboard/server.ts'
import { clip } from '../../src/dashboard/text.ts'
import { encode, type MusicEvent } from '../../src/event.ts'
import { openMemoryLake } from '../lake/memory.ts'
import { eventOf, T0 } from '../stats/records.ts'
import { Flow } from './flow.ts'
import { countBy, lakeEvents } from './lake-figures.ts'

const HOSTILE = 'a/b?c&d=é"\\ %2F\u202e\ud83c\udfb5'

let flow: Flow
let dashboard: Dashboard
let events: MusicEvent[]

beforeAll(async () => {
  flow = await Flow.open()
  for (let lot = 0; lot < 4; lot++) {
    await flow.generate(500, 3 * 3_600_000)
    await flow.archive()
  }
  await flow.append([eventOf({ user: HOSTILE, artist: HOSTILE }, Date.now())])
  // As a producer writes it that escapes whatever is not ASCII, and as one that puts spaces between the tokens.
  const text = JSON.stringify(eventOf({ user: HOSTILE, track: HOSTILE }, Date.now()), undefined, 1)
  await flow.appendRaw(
    text.replaceAll(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  )
  await flow.archive()
  dashboard = await flow.dashboard()
  events = await lakeEvents(flow.lake, flow.root)
})
afterAll(() => flow.close())

const look = async (kind: 'listener' | 'artist', name: string) => {
  const response = await fetch(`${dashboard.url}/api/${kind}/${encodeURIComponent(name)}`)
  expect(response.status).toBe(200)
  return lookupSchema.parse(await response.json())
}
const most = (counts: Record<string, number>) =>
  Object.entries(counts)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, 10)
    .map(([name, n]) => ({ name, events: n }))

describe.each(['listener', 'artist'] as const)('/api/%s', (kind) => {
  const field = kind === 'listener' ? 'user' : 'artist'

  it('tells the same as the events in the files of the lake', async () => {
    const names = Object.keys(countBy(events, (event) => event[field]))
    for (const name of [names[0]!, names[7]!, HOSTILE]) {
      const of = events.filter((event) => event[field] === name)
      const found = await look(kind, name)
      expect(found).toMatchObject({ kind, name, events: of.length })
      expect(found.artists).toEqual(most(countBy(of, ({ artist }) => artist)))
      expect(found.listeners).toEqual(most(countBy(of, ({ user }) => user)))
      const tracks = countBy(of, ({ artist, track }) => JSON.stringify([artist, track]))
      expect(
        found.tracks.map(({ artist, name }) => [
          JSON.stringify([artist, name]),
          tracks[JSON.stringify([artist, name])],
        ]),
      ).toEqual(most(tracks).map(({ name, events: n }) => [name, n]))
      expect(Object.fromEntries(found.distributions.device.values)).toEqual(countBy(of, ({ device }) => device))
      const hours = countBy(of, ({ timestamp }) => String(Number(timestamp.slice(11, 13))))
      expect(found.hours).toEqual(Array.from({ length: 24 }, (_, hour) => hours[hour] ?? 0))
      const newest = of.map(({ timestamp }) => timestamp.slice(0, 23)).sort((a, b) => (a < b ? 1 : -1))
      expect(found.last.map(({ timestamp }) => timestamp.slice(0, 23))).toEqual(newest.slice(0, 20))
      expect(found.lookedBack).toMatchObject({ events: events.length, complete: true })
      expect(found.lookedBack.files).toBeGreaterThan(3)
    }
  })

  it('finds nothing of a name that is not there', async () => {
    expect(await look(kind, 'nobody')).toMatchObject({ events: 0, last: [], tracks: [], hours: new Array(24).fill(0) })
  })

  it.each(['x'.repeat(257), '%00'.repeat(2_000)])('refuses a name that no event can be listed by', async (name) => {
    const response = await fetch(`${dashboard.url}/api/${kind}/${name}`)
    expect([400, 404, 414]).toContain(response.status)
  })
})

describe('a search', () => {
  const lines = Array.from({ length: 4_000 }, (_, i) => `${encode(eventOf({ user: `u${i % 10}` }, T0))}\n`)
  const body = Buffer.from(lines.join(''))
  /** In a lake of so many files, each of all lines. */
  const search = async (files: number, limits: { bytes: number; ms: number }) => {
    const lake = openMemoryLake()
    const paths = Array.from({ length: files }, (_, i) => `/music_events/${i}.jsonl`)
    for (const path of paths) await lake.write(path, body)
    const file = { events: lines.length, bytes: body.length, committedAt: T0 }
    return new Lookups(lake, () => paths.map((path) => ({ ...file, path })), limits).find('user', 'u1')
  }

  it('reads as many bytes as it may also of files that hold more, and counts what it read', async () => {
    const bytes = Math.floor(body.length / 2)
    for (const files of [1, 3]) {
      const { events, lookedBack } = await search(files, { bytes, ms: 60_000 })
      expect(lookedBack).toMatchObject({ files, complete: false })
      expect(lookedBack.bytes).toBeGreaterThanOrEqual(bytes)
      expect(lookedBack.bytes).toBeLessThan(body.length)
      // Lines are of nearly one length, and each tenth is of this listener.
      expect(lookedBack.events / lines.length).toBeCloseTo(lookedBack.bytes / body.length, 2)
      expect(Math.abs(events - lookedBack.events / 10)).toBeLessThan(files)
    }
  })

  it('reads all of files that hold less', async () => {
    expect(await search(3, { bytes: body.length * 4, ms: 60_000 })).toMatchObject({
      events: (3 * lines.length) / 10,
      lookedBack: { files: 3, bytes: 3 * body.length, events: 3 * lines.length, complete: true },
    })
  })
})

describe('Found', () => {
  it('takes each line once, however its name is spelt', () => {
    const found = new Found('user', 'zoé')
    const both = encode(eventOf({ user: 'zoé' }, T0))
      .toString()
      .replace('"artist":"', '"artist":"zo\\u00e9", "x":"')
    const other = encode(eventOf({ track: 'zoé' }, T0))
    const lines = Buffer.from(
      `${both.replace('"user":"zoé"', '"user":"zo\\u00e9","again":"zoé"')}\n${other}\n${both}\n`,
    )
    found.scan(lines, 'a file')
    expect(found.read().events).toBe(2)
  })

  it.each(['x', 'é', '🎵', '"'])('finds by its beginning a name that is shown cut, of %s', (unit) => {
    const name = `a${unit.repeat(400)}`
    const found = new Found('user', clip(name))
    const lines = [name, `${name}!`, `b${name}`, clip(name).slice(0, -1)].map((user) => encode(eventOf({ user }, T0)))
    found.scan(Buffer.from(`${lines.join('\n')}\n`), 'a file')
    expect(found.read()).toMatchObject({ name: clip(name), events: 2, listeners: [] })
  })

  it('tells of a line that is no event', () => {
    const scan = () => new Found('user', 'zoé').scan(Buffer.from('{"user":"zoé"\n'), '/t/a.jsonl')
    expect(scan).toThrow(expect.objectContaining({ code: 'COMMIT_CORRUPT', message: expect.stringMatching(/^\/t\/a/) }))
  })

  it('knows how names are written in JSON', () => {
    expect(spellings('abc').map(String)).toEqual(['"abc"'])
    expect(spellings('ê').map(String)).toEqual(['"ê"', '"\\u00ea"', '"\\u00EA"'])
    expect(spellings('AC/DC').map(String)).toEqual(['"AC/DC"', '"AC\\/DC"'])
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab"\\/&<=\'+é\u007f\u2028\ud800\n🎵') }), (name) => {
        for (const text of spellings(name)) expect(JSON.parse(text.toString())).toBe(name)
      }),
    )
  })

  it.each([
    ['Go', 'Simon & Garfunkel <é>', '"Simon \\u0026 Garfunkel \\u003cé\\u003e"'],
    ['PHP', 'AC/DC à "é"', '"AC\\/DC \\u00e0 \\"\\u00e9\\""'],
    ['PHP, JSON_UNESCAPED_UNICODE', 'AC/DC à', '"AC\\/DC à"'],
    ['.NET', 'Guns N\' Roses & "Ünal" +\\', '"Guns N\\u0027 Roses \\u0026 \\u0022\\u00DCnal\\u0022 \\u002B\\\\"'],
    ['Gson', "Guns N' Roses = É", '"Guns N\\u0027 Roses \\u003d É"'],
    ['Python', 'à\u007f/🎵', '"\\u00e0\\u007f/\\ud83c\\udfb5"'],
    ['Jackson, ESCAPE_NON_ASCII', 'é & è', '"\\u00E9 & \\u00E8"'],
  ])('finds what %s wrote', (_, name, text) => {
    const line = encode(eventOf({ user: 'NAME' }, T0))
      .toString()
      .replace('"NAME"', () => text)
    const found = new Found('user', name)
    expect(found.scan(Buffer.from(`${line}\n`), 'a file')).toBe(1)
    expect(found.read().events).toBe(1)
  })
})
