import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { systemClock } from '../src/clock.ts'

it('wakes from a long sleep at once when told to, and leaves no listener behind', async () => {
  const stop = new AbortController()
  const begin = performance.now()
  const sleeping = systemClock.sleep(3_600_000, stop.signal)
  stop.abort()
  await sleeping
  await systemClock.sleep(3_600_000, stop.signal)
  expect(performance.now() - begin).toBeLessThan(5000)
  expect(getEventListeners(stop.signal, 'abort')).toEqual([])
})
