/**
 * Guarantee: reading events straight from their bytes changes nothing but the time it takes. Whatever messages come, the
 * archiver finds the same ones valid, writes the same lines under the same days, quarantines the same ones for the same
 * reasons, and counts the same, as if each had been decoded and counted as an object.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StagedBatch } from '../src/archive/staging.ts'
import { decode, encode, MAX_FUTURE_MS } from '../src/event.ts'
import { EventBytes } from '../src/event-bytes.ts'
import type { LogBatch } from '../src/log/log.ts'
import { SummaryBuilder } from '../src/stats/summary.ts'
import { openMemoryLake } from '../test/lake/memory.ts'
import { eventOf } from '../test/stats/records.ts'
import { LONG } from './form.ts'
import { anyMessage } from './messages.ts'

/** Messages of a case. */
const MOST = 60
const REPEATS = 30
const CASES = LONG ? 5_000 : 700
const TIMEOUT_MS = 300_000
const NOW = Date.UTC(2025, 6, 4)
const LIMITS = { messages: MOST * REPEATS, bytes: 16_777_216, ageMs: 60_000 }

/** Now and then so many that a summary holds a sample only. */
const messages = fc
  .tuple(fc.array(fc.tuple(anyMessage, fc.nat(7)), { minLength: 1, maxLength: MOST }), fc.nat(20))
  .map(([values, times]) => (times < 20 ? values : Array.from({ length: REPEATS }, () => values).flat()))

/** One after the other in one buffer, so that reading beyond an end would find something; at any alignment. */
function batchOf(values: readonly (readonly [Buffer | null, number])[]): LogBatch {
  const parts: Buffer[] = []
  const starts: number[] = []
  const ends: number[] = []
  let at = 0
  for (const [value, gap] of values) {
    starts.push(value ? at : -1)
    ends.push(value ? at + value.length : -1)
    parts.push(value ?? Buffer.alloc(0), Buffer.alloc(gap, '"'))
    at += (value?.length ?? 0) + gap
  }
  const count = values.length
  return {
    partition: 0,
    first: 0,
    next: count,
    count,
    data: Buffer.concat(parts),
    starts: Int32Array.from(starts),
    ends: Int32Array.from(ends),
    offsetDeltas: Int32Array.from({ length: count }, (_, i) => i),
    end: count,
  }
}

/** What the archiver makes of a batch. */
async function archived(batch: LogBatch) {
  const lake = openMemoryLake()
  const staged = new StagedBatch({ lake, root: '/t', partition: 0, folder: '/t/_staging', batch: 1 }, 0)
  await staged.take({ batch, index: 0 }, LIMITS, NOW)
  const { contents, durable } = await staged.seal(NOW)
  await durable
  const { files, events, quarantined, summary } = contents
  const lines = new Map<string, string[]>()
  for (const { day, staged: path, events: count } of files) {
    const text = Buffer.from(await lake.read(path)).toString('latin1')
    lines.set(day ?? 'quarantine', text.split('\n').slice(0, -1))
    expect(lines.get(day ?? 'quarantine')).toHaveLength(count)
  }
  const reasons = (lines.get('quarantine') ?? []).map((line) => JSON.parse(line).reason)
  lines.delete('quarantine')
  return { lines: Object.fromEntries(lines), reasons, events, quarantined, summary }
}

/** The same, each message decoded into an object. */
function expected(values: readonly (readonly [Buffer | null, number])[]) {
  const summary = new SummaryBuilder()
  const lines: Record<string, string[]> = {}
  const reasons: string[] = []
  const quarantined: Record<string, number> = {}
  let events = 0
  for (const [value] of values) {
    const decoded = decode(value, NOW)
    if (decoded.ok) {
      events++
      summary.add(decoded.event, decoded.minute)
      lines[decoded.day] ??= []
      lines[decoded.day]?.push(Buffer.from(decoded.line).toString('latin1'))
    } else {
      reasons.push(decoded.reason)
      quarantined[decoded.reason] = (quarantined[decoded.reason] ?? 0) + 1
    }
  }
  return { lines, reasons, events, quarantined, summary: summary.build() }
}

describe('events read from their bytes', () => {
  it(
    'are archived as if each were decoded, in batches of any messages',
    async () => {
      await fc.assert(
        fc.asyncProperty(messages, async (values) => {
          expect(await archived(batchOf(values))).toEqual(expected(values))
        }),
        { numRuns: CASES, endOnFailure: !LONG },
      )
    },
    TIMEOUT_MS,
  )

  it('are left to decode where the timestamp that comes first is raw bytes of zero', () => {
    const zeros = '\0'.repeat(16)
    const value = Buffer.from(
      encode(eventOf({}, NOW))
        .toString()
        .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d/, zeros),
    )
    expect(value.includes(`"${zeros}:`)).toBe(true)
    expect(decode(value, NOW).ok).toBe(false)
    expect(new EventBytes().read(value, 0, value.length)).toBe(false)
  })

  it('are read where the first of all is of the minute in which clocks begin', () => {
    const value = encode(eventOf({ timestamp: '1970-01-01T00:00:05.123456' }))
    const bytes = new EventBytes()
    const decoded = decode(value, NOW)
    expect(bytes.read(value, 0, value.length)).toBe(true)
    expect(decoded).toMatchObject({ ok: true, minute: bytes.minute })
  })

  it('are read where they have the documented shape, also with the spaces that Python sets', () => {
    const event = eventOf({ user: 'Zoë', track: '椎名林檎' }, NOW + MAX_FUTURE_MS)
    const python = encode(event).toString().replaceAll('":', '": ').replaceAll(',"', ', "')
    for (const value of [encode(event), Buffer.from(python)]) {
      const bytes = new EventBytes()
      bytes.now = NOW
      expect(bytes.read(value, 0, value.length)).toBe(true)
      bytes.now = NOW - 1
      expect(bytes.read(value, 0, value.length)).toBe(false)
    }
  })
})
