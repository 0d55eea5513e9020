/**
 * Guarantee: archivers may come and go while events flow, alone or several at once, so often that the group never rests:
 * whoever holds a partition wins each of its record numbers, and every event is in the lake once.
 */
import { describe, expect, it } from 'vitest'
import { type ArchiveEvent, archive } from '../src/archive/archiver.ts'
import { hasCode } from '../src/errors.ts'
import { Random } from '../src/generate/random.ts'
import type { EventLog } from '../src/log/log.ts'
import { openLog } from '../src/profiles.ts'
import { eventually } from '../test/contract/log-reading.ts'
import { LONG } from './form.ts'
import { onServices, PATIENCE_MS, Scene, sharedServices, skipped } from './scene.ts'

const CHANGES = LONG ? 40 : 12
const MOST = 4
const SEED = 20_250_703
/** Between two changes, in which the group has a moment to move partitions, or not. */
const LONGEST_MOMENT_MS = 700
const EVENTS_AT_ONCE = 300
/** Each of the members gets one. */
const PARTITIONS = 2 * MOST

describe.skipIf(!onServices)(`rebalances${skipped}`, { timeout: LONG ? 600_000 : 120_000 }, () => {
  it(`${CHANGES} in a row under load`, async ({ annotate }) => {
    await using scene = await Scene.open({ ...sharedServices(), MF_PARTITIONS: String(PARTITIONS) })
    const random = new Random(SEED)
    const told: ArchiveEvent[] = []
    const members: Archiver[] = []
    const claims = () => told.filter(({ kind }) => kind === 'claimed').length
    const join = async () => members.push(await Archiver.start(placeOf(scene), (event) => told.push(event)))
    let awaited = 0
    await join()
    for (let change = 0; change < CHANGES; change++) {
      await scene.produce(EVENTS_AT_ONCE)
      if (members.length > 1 && (members.length === MOST || random.float() < 0.5)) {
        const [leaving] = members.splice(random.below(members.length), 1)
        await leaving!.leave()
      } else {
        const before = claims()
        await join()
        // Most newcomers have come to their share before the next change, some have not.
        if (random.float() < 0.7) {
          await eventually(() => expect(claims()).toBeGreaterThan(before), PATIENCE_MS)
          awaited++
        }
      }
      await new Promise((resolve) => setTimeout(resolve, random.below(LONGEST_MOMENT_MS)))
    }
    await scene.untilArchived()
    await Promise.all(members.map((member) => member.leave()))
    expect(awaited).toBeGreaterThan(CHANGES / 5)
    const verdict = await scene.expectExactlyOnce()
    await annotate(`${claims()} claims, ${verdict.records} records, ${verdict.count} events`)
  })

  it('two archivers of different groups on one lake: the later one wins, and goes on', async () => {
    await using scene = await Scene.open(sharedServices())
    const told: ArchiveEvent[] = []
    const first = await Archiver.start(placeOf(scene), (event) => told.push(event))
    await scene.produce(EVENTS_AT_ONCE)
    await scene.untilArchived()
    const claimed = Promise.withResolvers<void>()
    let claims = 0
    const second = await Archiver.start({ ...placeOf(scene), group: 'another' }, ({ kind }) => {
      if (kind === 'claimed' && ++claims === 3) claimed.resolve()
    })
    await claimed.promise
    await scene.produce(EVENTS_AT_ONCE)
    await scene.untilArchived()
    const stopped = () => told.filter((event) => event.kind === 'stopped').map(({ error }) => error.code)
    await eventually(() => expect(stopped()).toEqual(Array(3).fill('COMMIT_FENCED')), PATIENCE_MS)
    await first.leave()
    await second.leave()
    await scene.expectExactlyOnce()
  })
})

/** What an archiver needs of a scene. */
type Place = Pick<Scene, 'config' | 'lake' | 'root'> & { group: string }

function placeOf({ config, lake, root }: Scene): Place {
  return { config, lake, root, group: config.group }
}

/** An archiver as `consume` runs it, with a connection to Kafka of its own. */
class Archiver {
  readonly #log: EventLog
  readonly #stop = new AbortController()
  readonly #ended: Promise<unknown>

  private constructor(log: EventLog, { lake, root, group }: Place, report: (event: ArchiveEvent) => void) {
    this.#log = log
    this.#ended = archive({
      ...{ log, lake, root, group, report, signal: this.#stop.signal },
      limits: { messages: 200, bytes: 10_000_000, ageMs: 200 },
      ...{ once: false, acceptGap: false },
    }).catch((error) => {
      if (!hasCode(error, 'COMMIT_FENCED')) throw error
    })
  }

  static async start(place: Place, report: (event: ArchiveEvent) => void): Promise<Archiver> {
    return new Archiver(await openLog(place.config), place, report)
  }

  /** Drains and ends. */
  async leave(): Promise<void> {
    this.#stop.abort()
    await this.#ended
    await this.#log.close()
  }
}
