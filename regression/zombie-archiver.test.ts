/**
 * Guarantee: an archiver that is suspended with a batch under way, and goes on after another has taken its partitions
 * over, commits nothing: the number of its next record is taken, or its group tells it before. What it had staged is
 * never published. In both profiles.
 */
import { describe, expect, it } from 'vitest'
import { readHead } from '../src/archive/head.ts'
import type { RunningCommand } from '../test/cli/music-faker.ts'
import { eventually } from '../test/contract/log-reading.ts'
import { onServices, PATIENCE_MS, Scene, sharedServices, skipped, told } from './scene.ts'

/** A partition gets some thousand: one whole batch, and a rest that stays under way. */
const EVENTS = 6_000
const BATCH = 1_000

describe.each([
  { profile: 'embedded', settings: () => ({ MF_PROFILE: 'embedded' }), skip: false },
  { profile: `cluster${skipped}`, settings: sharedServices, skip: !onServices },
])('an archiver that was suspended, $profile', { timeout: 180_000 }, ({ settings, skip }) => {
  it.skipIf(skip).concurrent('past the end of its session, in one group', async () => {
    await using scene = await Scene.open(settings())
    const zombie = await suspended(scene)
    // Waits for the end of the session.
    const next = scene.start('consume --quiet')
    await scene.untilArchived()
    zombie.stop('SIGCONT')
    // It is told by its group, or stops there: either way it is given a share again, and goes on with the other.
    await told(zombie, /partition \d( STOPPED|: no longer assigned)[\s\S]*partition \d: reading from offset/)
    await scene.produce(EVENTS)
    await Promise.all([scene.dismiss(next), scene.dismiss(zombie)])
    await scene.archive()
    await scene.expectExactlyOnce()
  })

  it.skipIf(skip).concurrent('while one of another group took over', async () => {
    await using scene = await Scene.open(settings())
    const zombie = await suspended(scene)
    await scene.archive({ group: 'another' })
    await scene.untilArchived()
    zombie.stop('SIGCONT')
    // The rest of its batch is committed now, if the lake lets it.
    zombie.stop('SIGTERM')
    const { code, stderr } = await zombie.ended
    // Its group tells it before where its session has ended meanwhile, and then there is nothing to complain of.
    if (code !== 0) expect(stderr).toMatch(/STOPPED: .* \(COMMIT_FENCED\)\n {2}next: .*--group/)
    await scene.expectExactlyOnce()
  })
})

/** An archiver that was stopped with a batch under way in each partition. */
async function suspended(scene: Scene): Promise<RunningCommand> {
  await scene.produce(EVENTS)
  const archiver = scene.start(`consume -m batch -b ${BATCH} --max-wait 600`)
  const { topicId, partitions } = await scene.log.describe()
  for (const [partition, { end }] of partitions) {
    expect(end % BATCH).toBeGreaterThan(0)
    const whole = end - (end % BATCH)
    await eventually(async () => {
      expect((await readHead(scene.lake, scene.root, topicId, partition))?.next).toBe(whole)
    }, PATIENCE_MS)
    // Then it writes nothing any more: one that is suspended amid a transaction would keep the embedded log locked.
    await eventually(async () => {
      expect((await scene.log.committed(scene.config.group)).get(partition)).toBe(whole)
    }, PATIENCE_MS)
  }
  archiver.stop('SIGSTOP')
  return archiver
}
