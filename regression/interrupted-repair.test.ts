/**
 * Guarantee: a repair may die before, amid or after any change that it makes to the lake, and archivers may go on beside
 * it or after it: another repair finishes what it left, and every message is in the lake once.
 */
import { expect, it } from 'vitest'
import { hasCode } from '../src/errors.ts'
import { filesBelow } from '../test/archive/lake-contents.ts'
import { difference } from './contents.ts'
import { type Damage, FILES, HEADS, RECORDS, Site } from './damages.ts'
import { dyingLake, tornCalls, WAYS, type Way } from './dying-lake.ts'
import { LONG } from './form.ts'
import { expectLakeHoldsLog, readLog } from './lake-holds-log.ts'

const DAMAGES = [...FILES, ...RECORDS, ...HEADS].filter(({ undo, short }) => !undo && (LONG || short))

/** The plan is written and put in its place, something is mended, and all of it told. */
const FEWEST_STEPS = 6
const TIMEOUT_MS = 120_000

/** Whether it died. */
async function repairAndDie(site: Site, step: number, way: Way): Promise<boolean> {
  const dead = Promise.withResolvers<void>()
  const dying = dyingLake(site.lake, {
    step,
    way,
    half: tornCalls(site.lake),
    die: (begun) => Promise.allSettled([begun]).then(() => dead.resolve()),
  })
  await Promise.race([site.repair({ lake: dying.lake }), dead.promise])
  return dying.diedAt !== undefined
}

/** A head that is damaged, or away to be mended, is refused; and archivers may take partitions from each other. */
async function archiveIfPossible(site: Site): Promise<void> {
  await site.archivePartitions().catch((error: unknown) => {
    if (!hasCode(error, 'COMMIT_CORRUPT', 'COMMIT_FENCED')) throw error
  })
}

it.each(DAMAGES)(
  'dies at every step: $name',
  async (damage) => {
    let trials = 0
    for (let step = 1, died = true; died; step++) {
      for (const way of WAYS) {
        const site = await Site.inMemory()
        await damage.do(site)
        died = await repairAndDie(site, step, way)
        const archives = trials++ % 2 === 0
        const what = `${damage.name}, died ${way} step ${step}${archives ? ', archived after' : ''}`
        if (archives) {
          const before = await surplus(site)
          await goOn(site)
          if (!damage.unseen) expect(await surplus(site), `${what}: nothing twice`).toEqual(before)
        }
        expect(await site.repair(), what).toMatchObject({ ok: true })
        await site.archivePartitions()
        await expectLakeHoldsLog(site.log, site.lake, site.root, what)
      }
    }
    expect(trials).toBeGreaterThanOrEqual(FEWEST_STEPS * WAYS.length)
  },
  TIMEOUT_MS,
)

/** Lines that the lake has more often than the log, and halves of lines. */
async function surplus({ lake, root, log }: Site) {
  const lines: string[] = []
  for await (const folder of lake.list(root)) {
    if (folder.path.startsWith(`${root}/_`)) continue
    for await (const { path } of filesBelow(lake, folder.path)) {
      lines.push(
        ...Buffer.from(await lake.read(path))
          .toString()
          .split('\n')
          .filter(Boolean),
      )
    }
  }
  return difference(lines, (await readLog(log)).lines).tooMany
}

async function goOn(site: Site): Promise<void> {
  await site.append(8)
  await archiveIfPossible(site)
}

it.each(DAMAGES)('two at a time: $name', async (damage: Damage) => {
  const site = await Site.inMemory()
  await damage.do(site)
  await Promise.all([site.repair(), site.repair()])
  expect(await site.repair()).toMatchObject({ ok: true, left: [] })
  await site.archivePartitions()
  await expectLakeHoldsLog(site.log, site.lake, site.root, damage.name)
})

it.each(DAMAGES)('while archivers go on: $name', async (damage: Damage) => {
  const site = await Site.inMemory()
  await damage.do(site)
  let repaired = false
  const beside = async () => {
    while (!repaired) await goOn(site)
  }
  const others = [beside(), beside()]
  const report = await site.repair().finally(() => {
    repaired = true
  })
  await Promise.all(others)
  // What an archiver has changed meanwhile may need another look.
  if (!report.ok) expect(await site.repair()).toMatchObject({ ok: true, left: [] })
  await site.archivePartitions()
  await expectLakeHoldsLog(site.log, site.lake, site.root, damage.name)
})
