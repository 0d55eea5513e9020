/** Kafka or HDFS that nobody answers for: exit 69, soon, with what to do. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort, Workplace } from './music-faker.ts'

let place: Workplace
let env: Record<string, string>

beforeAll(async () => {
  place = await Workplace.create()
  const [kafka, hdfs, dashboard] = [await freePort(), await freePort(), await freePort()]
  env = {
    MF_PROFILE: 'cluster',
    MF_KAFKA_BROKERS: `127.0.0.1:${kafka}`,
    MF_HDFS_NAMENODES: `http://127.0.0.1:${hdfs}`,
    MF_CONNECT_TIMEOUT: '1000',
    MF_REQUEST_TIMEOUT: '1000',
    MF_PORT: String(dashboard),
  }
})

afterAll(() => place.remove())

test.each([['produce', '-n', '1'], ['tail'], ['consume', '--once']])('%s without Kafka', async (...args) => {
  const { code, stdout, stderr } = await place.run(args, { env })
  expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
  expect(stderr).toContain(env.MF_KAFKA_BROKERS)
  expect(stderr).toMatch(/\(LOG_UNREACHABLE\)\n {2}next: \S/)
})

test.each([['ls'], ['du'], ['cat', 'year=*/*']])('%s without HDFS', async (...args) => {
  const { code, stdout, stderr } = await place.run(args, { env })
  expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
  expect(stderr).toContain(env.MF_HDFS_NAMENODES)
  expect(stderr).toMatch(/\(LAKE_UNREACHABLE\)\n {2}next: \S/)
})

test('the doctor tells both, and skips what needs them', async () => {
  const { code, stdout } = await place.run(['doctor', '--json'], { env })
  expect(code).toBe(69)
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Record<string, string>[] }
  expect(ok).toBe(false)
  const failed = checks.filter(({ verdict }) => verdict === 'failed')
  expect(failed.map(({ check, code }) => [check, code])).toEqual([
    ['log metadata', 'LOG_UNREACHABLE'],
    ['lake write', 'LAKE_UNREACHABLE'],
  ])
  for (const { next } of failed) expect(next).toMatch(/\S/)
  expect(checks.filter(({ verdict }) => verdict === 'skipped')).toHaveLength(5)
})
