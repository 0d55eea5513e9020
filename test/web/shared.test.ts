import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SharedSource } from '../../web/data/shared.ts'

/** A browser whose answers stop after so many: a page that asks without a pause would hang the test. */
const ENOUGH = 100

const silent = { heard: () => undefined, connection: () => undefined }
let streams: number
let source: SharedSource | undefined

beforeEach(() => {
  streams = 0
  vi.stubGlobal(
    'EventSource',
    class {
      constructor() {
        streams++
      }
      addEventListener(): void {}
      close(): void {
        streams--
      }
    },
  )
  vi.useFakeTimers()
})
afterEach(() => {
  source?.close()
  source = undefined
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('where the browser keeps site data from the page', () => {
  it('a tab that is refused the lock has a stream of its own, and asks no more', async () => {
    const request = vi.fn(async () => {
      if (request.mock.calls.length > ENOUGH) await new Promise(() => undefined)
      throw new DOMException('blocked', 'SecurityError')
    })
    vi.stubGlobal('navigator', { locks: { request } })
    source = new SharedSource('', silent)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(streams).toBe(1)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(request).toHaveBeenCalledOnce()
  })

  it('a tab that cannot speak to the others has a stream of its own, and leaves theirs alone', async () => {
    const request = vi.fn(() => new Promise(() => undefined))
    vi.stubGlobal('navigator', { locks: { request } })
    vi.stubGlobal(
      'BroadcastChannel',
      class {
        constructor() {
          throw new DOMException('blocked', 'SecurityError')
        }
      },
    )
    source = new SharedSource('', silent)
    source.retry()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(streams).toBe(1)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(request).not.toHaveBeenCalled()
  })
})

it('where it does not, a tab from which the lock is taken ends its stream, and takes it back when it hears nothing', async () => {
  source = new SharedSource('', silent)
  await vi.waitFor(() => expect(streams).toBe(1))
  const other = navigator.locks.request('music-faker ?', { steal: true }, () => new Promise(() => undefined))
  const robbed = expect(other).rejects.toThrow()
  await vi.waitFor(() => expect(streams).toBe(0))
  await vi.advanceTimersByTimeAsync(10_000)
  await robbed
  await vi.waitFor(() => expect(streams).toBe(1))
})
