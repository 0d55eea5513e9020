import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCode } from '../../src/errors.ts'
import { ACTIONS, decode, encode, type MusicEvent } from '../../src/event.ts'
import { Generator } from '../../src/generate/generator.ts'

const AT = Date.UTC(2025, 6, 3, 20, 7, 50, 691)
const SMALL = { artists: 500, listeners: 300 }
const take = (generator: Generator, count: number) =>
  Array.from({ length: count }, (_, i) => generator.next(AT + i, i % 1000))

type Reading = (event: MusicEvent) => string

/** The most different values that `value` has among events that agree in `key`. */
function mostValues(events: MusicEvent[], key: Reading, value: Reading): number {
  const values = new Map<string, Set<string>>()
  for (const event of events) {
    const known = values.get(key(event)) ?? new Set()
    values.set(key(event), known.add(value(event)))
  }
  return Math.max(...[...values.values()].map((set) => set.size))
}

const userOf: Reading = (event) => event.user

describe('determinism', () => {
  it('gives the same bytes for the same seed and times, and others for another seed', () => {
    const bytes = (seed: number) => {
      const generator = new Generator({ seed, ...SMALL })
      return Buffer.concat(Array.from({ length: 5000 }, (_, i) => generator.nextMessage(AT + i).value)).toString()
    }
    expect(bytes(42)).toBe(bytes(42))
    expect(bytes(43)).not.toBe(bytes(42))
  })

  it('holds to the events of its earlier versions', () => {
    const generator = new Generator({ seed: 42 })
    const lines = Array.from({ length: 3 }, (_, i) => encode(generator.next(AT, i)).toString())
    expect(lines).toMatchInlineSnapshot(`
      [
        "{"user":"judd99","artist":"Alfonso Fisher","track":"Bin in San Francisco - Remastered","timestamp":"2025-07-03T20:07:50.691000","genre":"Hip-Hop","duration":256,"platform":"SoundCloud","device":"Mobile","action":"play","country":"DE"}",
        "{"user":"electa08","artist":"Junior Breitenberg","track":"Tuxedo for Lorene - Acoustic","timestamp":"2025-07-03T20:07:50.691001","genre":"Rock","duration":257,"platform":"SoundCloud","device":"Desktop","action":"play","country":"SE"}",
        "{"user":"michele86","artist":"DJ Reuben Pile","track":"Scenario in Pine Bluff - Live","timestamp":"2025-07-03T20:07:50.691002","genre":"Classical","duration":223,"platform":"Spotify","device":"Mobile","action":"play","country":"DE"}",
      ]
    `)
  })
})

describe('messages', () => {
  it('are what encode() makes of the event, keyed by its user', () => {
    const [events, messages] = [new Generator({ seed: 9, ...SMALL }), new Generator({ seed: 9, ...SMALL })]
    for (let i = 0; i < 20_000; i++) {
      const [at, micros] = [AT + i * 337, (i * 7) % 1000]
      const event = events.next(at, micros)
      const message = messages.nextMessage(at, micros)
      expect(Buffer.from(message.value).equals(encode(event))).toBe(true)
      expect(message.key).toBe(event.user)
    }
  })

  it('carry the time they are given, to the microsecond', () => {
    const generator = new Generator({ seed: 9, ...SMALL })
    const within = fc.record({
      at: fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }),
      micros: fc.integer({ min: 0, max: 999 }),
    })
    fc.assert(
      fc.property(within, ({ at, micros }) => {
        const expected = `${new Date(at).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}`
        expect(generator.next(at, micros).timestamp).toBe(expected)
        expect(generator.nextMessage(at, micros).value.toString()).toContain(`"timestamp":"${expected}"`)
      }),
    )
  })

  it('all pass decode', () => {
    const generator = new Generator({ seed: 3 })
    for (let i = 0; i < 50_000; i++) {
      const decoded = decode(generator.nextMessage(AT + i, i % 1000).value, AT + 60_000)
      if (!decoded.ok) expect.fail(`${decoded.reason}: ${decoded.detail}`)
    }
  })
})

describe('consistency', () => {
  const events = take(new Generator({ seed: 21, ...SMALL }), 100_000)

  it('an artist has one genre; a track has one artist and one duration', () => {
    const artistAndDuration: Reading = (event) => `${event.artist} ${event.duration}`
    expect(
      mostValues(
        events,
        (event) => event.artist,
        (event) => event.genre,
      ),
    ).toBe(1)
    expect(mostValues(events, (event) => event.track, artistAndDuration)).toBe(1)
  })

  it('a listener has one country, one platform and at most two devices', () => {
    expect(mostValues(events, userOf, (event) => `${event.country} ${event.platform}`)).toBe(1)
    expect(mostValues(events, userOf, (event) => event.device)).toBe(2)
    expect(new Set(events.map(userOf)).size).toBe(SMALL.listeners)
  })

  it('a listener reacts to and skips only the track being played, on the same device, and skips it once', () => {
    const playing = new Map<string, MusicEvent | undefined>()
    let checked = 0
    for (const event of events) {
      if (event.action === 'play') playing.set(event.user, event)
      else if (playing.has(event.user)) {
        const play = playing.get(event.user)
        expect({ track: event.track, device: event.device }).toEqual({ track: play?.track, device: play?.device })
        if (event.action === 'skip') playing.set(event.user, undefined)
        checked++
      }
    }
    expect(checked).toBeGreaterThan(30_000)
  })

  it('uses every action, and names like those of people', () => {
    expect(new Set(events.map((event) => event.action))).toEqual(new Set(ACTIONS))
    for (const event of events.slice(0, 1000)) expect(event.user).toMatch(/^[a-z]+\d{2,}$/)
  })

  it.each([1, 50, 1000])('is in the middle of listening from the first event on, with %i ms between events', (step) => {
    const plays = (list: MusicEvent[]) => list.filter((event) => event.action === 'play').length / list.length
    const generator = new Generator({ seed: 5 })
    const first = Array.from({ length: 3000 }, (_, i) => generator.next(AT + i * step))
    for (const from of [0, 1500])
      expect(Math.abs(plays(first.slice(from, from + 1500)) - plays(events))).toBeLessThan(0.04)
  })
})

describe('options', () => {
  it.each([
    { seed: -1 },
    { seed: 1.5 },
    { seed: 4_294_967_296 },
    { seed: Number.NaN },
    { seed: 1, artists: 10 },
    { seed: 1, listeners: 0 },
  ])('refuses %o', (options) => {
    let thrown: unknown
    try {
      new Generator(options)
    } catch (error) {
      thrown = error
    }
    expect(hasCode(thrown, 'USAGE')).toBe(true)
  })

  it('takes other assumptions', () => {
    const deviceShares = { Mobile: 0, Desktop: 1, Tablet: 0, 'Smart Speaker': 0, 'Smart TV': 0, Car: 0 }
    const events = take(new Generator({ seed: 1, ...SMALL, assumptions: { durationMeanS: 500, deviceShares } }), 1000)
    expect(new Set(events.map((event) => event.device))).toEqual(new Set(['Desktop']))
    expect(events.reduce((sum, event) => sum + event.duration, 0) / 1000).toBeGreaterThan(480)
  })
})
