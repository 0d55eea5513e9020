/**
 * Guarantee: when the disk of the embedded lake or log is full, producers and archivers wait and say so, and go on by
 * themselves once there is room: every event that was acknowledged is in the lake once.
 */
import { mkdirSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { lakeRoot } from '../src/archive/layout.ts'
import { formatCount } from '../src/cli/format.ts'
import { loadConfig } from '../src/config.ts'
import { openLake, openLog } from '../src/profiles.ts'
import { freePort, Workplace } from '../test/cli/music-faker.ts'
import { eventually } from '../test/contract/log-reading.ts'
import { expectLakeHoldsLog } from './lake-holds-log.ts'
import { SmallDisk } from './small-disk.ts'
import { lakeAt, PATIENCE_MS, TroubledFlow } from './troubled-flow.ts'

const TIMEOUT_MS = 600_000
/** So that what SQLite still has room for in its files is soon used up. */
const RATE = '5000/s'

const refusal = SmallDisk.refusal()
const title = `a full disk${refusal ? ` (skipped: ${refusal})` : ''}`

let place: Workplace
let disk: SmallDisk

/** A place to work in whose `folder` is a disk of its own. */
async function workOn(folder: string): Promise<void> {
  place = await Workplace.create()
  mkdirSync(place.path(folder), { recursive: true })
  disk = SmallDisk.mount(place.path(folder))
}

describe.skipIf(refusal !== undefined)(title, { timeout: TIMEOUT_MS }, () => {
  afterEach(async () => {
    await place.kill()
    disk.unmount()
    await place.remove()
  })

  it('of the lake', async () => {
    await workOn('data/lake')
    await using flow = await TroubledFlow.start(place, { MF_PROFILE: 'embedded' })
    const mark = flow.mark()
    disk.fill()
    await flow.says(/waiting: .*the disk is full/, mark)
    await flow.healthOfArchiver(/^failed partition \d waits.*the disk is full/)
    await flow.nothingMoves()
    disk.free()
    await flow.archivedUpToNow()
    await flow.says(/going on after/, mark)
    await flow.finish()
  })

  it('of the log and the lake', async () => {
    await workOn('data')
    const env = { MF_DATA_DIR: place.path('data'), MF_PORT: String(await freePort()), MF_RATE: RATE }
    const start = place.start(['start'], { env })
    const says = (what: RegExp) => eventually(() => expect(start.stderr).toMatch(what), PATIENCE_MS)
    for (const partition of [0, 1, 2]) await says(new RegExp(`partition ${partition}: reading`))
    disk.fill()
    await says(/producer: waiting: .*the disk is full/)
    await says(/partition \d: waiting: .*the disk is full/)
    const tells = (what: RegExp) =>
      eventually(async () => expect(await lakeAt(Number(env.MF_PORT))).toMatch(what), PATIENCE_MS)
    await tells(/^failed partition \d waits.*the disk is full/)
    disk.free()
    await says(/producer: going on/)
    await says(/partition \d: going on/)
    await tells(/^ok/)
    start.stop('SIGTERM')
    const { code, stdout, stderr } = await start.ended
    expect(code, stderr).toBe(0)
    // What it had no time to drain.
    const consumed = await place.run(['consume', '--once'], { env })
    expect(consumed.code, consumed.stderr).toBe(0)
    const { config } = loadConfig({}, env)
    const [log, lake] = [await openLog(config), await openLake(config)]
    const { lines } = await expectLakeHoldsLog(log, lake, lakeRoot(config.topic), 'a full disk')
    await Promise.all([log.close(), lake.close()])
    expect(stdout).toContain(`produced ${formatCount(lines.length)} events`)
  })

  it('of both, and told to stop', async () => {
    await workOn('data')
    const env = { MF_DATA_DIR: place.path('data'), MF_PORT: String(await freePort()), MF_RATE: RATE }
    const start = place.start(['start'], { env })
    const says = (what: RegExp) => eventually(() => expect(start.stderr).toMatch(what), PATIENCE_MS)
    for (const partition of [0, 1, 2]) await says(new RegExp(`partition ${partition}: reading`))
    disk.fill()
    await says(/producer: waiting: .*the disk is full/)
    start.stop('SIGTERM')
    const { code, stderr } = await start.ended
    expect(code, stderr).toBe(0)
  })
})
