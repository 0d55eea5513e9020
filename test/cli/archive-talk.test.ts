import { PassThrough } from 'node:stream'
import { expect, it, vi } from 'vitest'
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
  expect(said()).toMatch(/^(archiver: waiting: no broker\narchiver: going on after \d+ ms\n){2}$/)
})

it('says once that partitions wait, once for each kind of trouble, and once that all go on', () => {
  const { report, said } = talk({ quiet: false })
  const trouble = (partition: number, error: MusicFakerError) => report({ kind: 'retrying', partition, error })
  const unreachable = new MusicFakerError('LAKE_UNREACHABLE', 'no answer')
  const full = new MusicFakerError('LAKE_FULL', 'the disk is full')
  for (let i = 0; i < 50; i++) for (const partition of [0, 1]) trouble(partition, unreachable)
  trouble(1, full)
  trouble(0, full)
  expect(said()).toBe('partition 0: waiting: no answer\npartition 1: waiting: the disk is full\n')

  report({ kind: 'revoked', partition: 0 })
  report(committed)
  expect(said()).toMatch(/^partition 0: no longer .*\npartition 1: 5 events .*\npartition 1: going on after \d+ ms\n$/)
  report(committed)
  expect(said()).not.toContain('going on')

  trouble(0, unreachable)
  // What is done beside archiving may well go on.
  report({ kind: 'removed', partition: 0, files: 1 })
  report({ kind: 'stopped', partition: 0, error: full })
  expect(said()).not.toContain('going on')
})

it('says again every minute that partitions wait', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  try {
    const { report, said } = talk({ quiet: false })
    for (let second = 0; second < 125; second++) {
      report({ kind: 'retrying', partition: 0, error: new MusicFakerError('LAKE_UNREACHABLE', 'no answer') })
      vi.advanceTimersByTime(1_000)
    }
    expect(said()).toBe(
      'partition 0: waiting: no answer\npartition 0: waiting for 1 min 0 s now: no answer\npartition 0: waiting for 2 min 0 s now: no answer\n',
    )
  } finally {
    vi.useRealTimers()
  }
})
