import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import type { BatchRecord } from '../../src/archive/record.ts'
import { ArchiveTalk } from '../../src/cli/archive-talk.ts'
import { Output } from '../../src/cli/output.ts'
import { MusicFakerError } from '../../src/errors.ts'

function talk(options: { quiet: boolean }) {
  const stderr = new PassThrough()
  const out = new Output({
    json: false,
    color: false,
    quiet: options.quiet,
    stdout: new PassThrough() as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
  })
  return { report: new ArchiveTalk(out).report, said: () => (stderr.read() as Buffer | null)?.toString() ?? '' }
}

const committed = {
  kind: 'committed' as const,
  partition: 1,
  seconds: 0.1,
  record: { events: 5, first: 0, next: 6, quarantined: { bad_json: 1 } } as BatchRecord,
}

it('says loudly, also when quiet, that a partition has stopped, and what to do', () => {
  const error = new MusicFakerError('COMMIT_FENCED', 'taken over', { next: 'Use one group.' })
  const { report, said } = talk({ quiet: true })
  report({ kind: 'stopped', partition: 2, error })
  expect(said()).toBe('partition 2 STOPPED: taken over (COMMIT_FENCED)\n  next: Use one group.\n')
})

it('shows a bounded number of commits a second, and says how many it did not show', async () => {
  const { report, said } = talk({ quiet: false })
  for (let i = 0; i < 100; i++) report(committed)
  const lines = said().trimEnd().split('\n')
  expect(lines[0]).toBe('partition 1: 5 events committed, offsets 0 to 5, 1 quarantined')
  expect(lines.length).toBeLessThanOrEqual(10)
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  report(committed)
  expect(said()).toMatch(/after \d\d commits not shown/)
})

it('raises an alarm, also when quiet, when the topic is gone or is not the one archived before', () => {
  const { report, said } = talk({ quiet: true })
  report({ kind: 'missing', topic: 't' })
  report({ kind: 'recreated', topic: 't' })
  report({ kind: 'resumed' })
  expect(said()).toMatch(/^topic t is MISSING: .*\ntopic t is NOT THE ONE ARCHIVED BEFORE: .*\n$/)
})

it('tells of lost contact and of its return, each time anew', () => {
  const { report, said } = talk({ quiet: false })
  const error = new MusicFakerError('LOG_UNREACHABLE', 'no broker')
  for (let i = 0; i < 2; i++) {
    for (let tries = 0; tries < 9; tries++) report({ kind: 'waiting', error })
    report({ kind: 'resumed' })
  }
  expect(said()).toBe('waiting: no broker\nthe log answers again\n'.repeat(2))
})

it('repeats the same storage trouble at most every five seconds', () => {
  const { report, said } = talk({ quiet: false })
  const error = new MusicFakerError('LAKE_UNREACHABLE', 'no answer')
  for (let i = 0; i < 50; i++) report({ kind: 'retrying', partition: 0, error })
  expect(said()).toBe('partition 0: waiting: no answer\n')
})
