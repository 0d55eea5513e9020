/** The demo beside what else may go on: in the order of the README, `npm start` runs already. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort, Workplace } from './music-faker.ts'

let place: Workplace

beforeEach(async () => {
  place = await Workplace.create()
})

afterEach(() => place.remove())

test('works while "start" archives the same topic: what that one has not committed yet is not lost', async () => {
  const env = { MF_PORT: String(await freePort()), MF_RATE: '200/s' }
  const start = place.start(['start'], { env })
  await start.until(({ stdout }) => stdout.includes('the page is at '))
  const { code, stdout, stderr } = await place.run(['demo'], { env })
  expect(code, stderr).toBe(0)
  expect(stdout).toContain('It works: ')
})
