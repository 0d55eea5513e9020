/**
 * Guarantee of the guarantees: the oracle that the other tests end with passes over a system that is right, and over
 * nothing else.
 */
import { appendFile, copyFile, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { encode } from '../src/event.ts'
import { fingerprint } from '../src/generate/ledger.ts'
import { openLog } from '../src/profiles.ts'
import type { Config } from '../src/settings.ts'
import { Workplace } from '../test/cli/music-faker.ts'
import { expectExactlyOnce } from './oracle.ts'
import { lotOnItsWay } from './replay.ts'

const EVENTS = 300
const START = '2025-07-03T20:00:00'
const SEED = 7

const event = encode({
  ...{ user: 'eric04', artist: 'Carol Moore', track: 'Nights', timestamp: '2025-07-03T20:07:50.691643', genre: 'Jazz' },
  ...{ duration: 146, platform: 'Spotify', device: 'Desktop', action: 'like', country: 'FR' },
})

let place: Workplace
let config: Config
let ledger: string

beforeEach(async () => {
  place = await Workplace.create()
  config = loadConfig({ dataDir: place.path('data') }, {}).config
  ledger = place.path('ledger')
  await run('produce', '-n', String(EVENTS), '--start', START, '--seed', String(SEED), '--ledger', ledger)
})
afterEach(() => place.remove())

async function run(...args: string[]): Promise<void> {
  const { code, stderr } = await place.run(args)
  expect(code, stderr).toBe(0)
}

const archive = () => run('consume', '-m', 'batch', '--once')

async function append(...values: Uint8Array[]): Promise<void> {
  const log = await openLog(config)
  await log.append(values.map((value, i) => ({ key: String(i), value })))
  await log.close()
}

/** The path of some file of the lake whose name ends so. */
async function someFile(end: string): Promise<string> {
  const lake = place.path('data/lake')
  const name = (await readdir(lake, { recursive: true })).find(
    (path) => path.endsWith(end) && !path.includes('_staging'),
  )
  return join(lake, name!)
}

it('passes where all is right, and says what it found', async () => {
  await append(Buffer.from('{broken'))
  await archive()
  expect(await expectExactlyOnce(config, [ledger], { quarantined: 1 })).toMatchObject({
    count: EVENTS,
    quarantined: 1,
    beyondLedgers: 0,
  })
})

it('takes what was appended without a ledger into account', async () => {
  await append(event)
  await archive()
  await expectExactlyOnce(config, [ledger], { unledgered: fingerprint([event]) })
  await expect(expectExactlyOnce(config, [ledger])).rejects.toThrow('its producers have')
})

it('allows exactly the lot that a killed producer could not write down', async () => {
  const lot = await lotOnItsWay({ seed: SEED, start: Date.parse(`${START}Z`), ledger })
  await append(lot[0]!, lot[5]!)
  await archive()
  const options = { mayHold: lot }
  expect(await expectExactlyOnce(config, [ledger], options)).toMatchObject({ count: EVENTS + 2, beyondLedgers: 2 })
  await append(lot[5]!)
  await archive()
  await expect(expectExactlyOnce(config, [ledger], options), 'one of them twice').rejects.toThrow('its producers have')
})

it('fails when an event is in the log and not in the lake', async () => {
  await archive()
  await append(event)
  await expect(expectExactlyOnce(config, [ledger])).rejects.toThrow(/the log .*Carol Moore/)
})

it('fails when what is acknowledged was never in the log', async () => {
  await archive()
  await appendFile(ledger, '{"count":1,"sum":"00000000000000ff"}\n')
  await expect(expectExactlyOnce(config, [ledger])).rejects.toThrow('its producers have')
})

it('fails when a message is missing in quarantine', async () => {
  await archive()
  await append(Buffer.from('{broken'))
  await expect(expectExactlyOnce(config, [ledger])).rejects.toThrow('in quarantine')
})

it('fails over a file that is there twice, and over a lake that verify finds fault with', async () => {
  await archive()
  const file = await someFile('.jsonl')
  await copyFile(file, join(dirname(file), 'batch_copy.jsonl'))
  await expect(expectExactlyOnce(config, [ledger])).rejects.toThrow('file_stray')
})

it('fails over a lake whose commit log is gone', async () => {
  await archive()
  await rm(dirname(await someFile('.json')), { recursive: true })
  await expect(expectExactlyOnce(config, [ledger])).rejects.toThrow('file_stray')
})
