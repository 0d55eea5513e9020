/**
 * Guarantee of the guarantees: the tests of exactly-once find out when a step of the commit protocol is left out or
 * trusted too much. Each mutant is a copy of the sources with one line changed; one of the tests has to fail on it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { LONG } from './form.ts'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))
const VITEST = join(REPOSITORY, 'node_modules/vitest/vitest.mjs')
const CONFIG = `export default {
  test: { pool: 'forks', maxWorkers: 1, testTimeout: 30_000, provide: { services: { skipped: 'a copy' } } },
}
`
const TIMEOUT_MS = 240_000

interface Mutant {
  name: string
  file: string
  /** A part of one line, which occurs once. */
  line: string
  becomes: string
  /** The test that has to fail. */
  caughtBy:
    | 'regression/commit-protocol'
    | 'regression/compaction'
    | 'regression/random-failures'
    | 'regression/kill-at-every-step'
    | 'regression/damaged-lake'
    | 'test/archive/archiver'
    | 'test/archive/file-changes'
    | 'test/archive/fold'
    | 'test/archive/leaving'
    | 'test/archive/lost-answers'
    | 'test/lake/namenodes'
    | 'test/lake/verify'
  /** Tried in the short form too. */
  short?: true
}

const COMMITS = 'src/archive/commits.ts'
const CREATE = 'src/archive/create.ts'
const PUBLISH = 'src/archive/publish.ts'
const JOIN = 'src/archive/join.ts'

const MUTANTS: Mutant[] = [
  {
    name: 'a topic that was made again while no archiver ran raises no alarm',
    file: 'src/archive/archiver.ts',
    line: 'if (this.#lineages.size > 0 && !this.#lineages.has(topicId)) {',
    becomes: "if (topicId === '') {",
    caughtBy: 'test/archive/archiver',
  },
  {
    name: 'messages that are gone before they were archived are passed over',
    file: 'src/archive/partition.ts',
    line: '(this.#options.acceptGap || commits.fresh)',
    becomes: 'true',
    caughtBy: 'test/archive/archiver',
  },
  {
    name: 'a head that belongs to another place is trusted',
    file: 'src/archive/head.ts',
    line: 'if (head.seq === last && head.topicId === topicId && head.partition === partition) return head',
    becomes: 'return head',
    caughtBy: 'test/archive/archiver',
  },
  {
    name: 'the checksum of a record is not looked at',
    file: 'src/archive/record.ts',
    line: 'says !== checksum(buffer.subarray(0, -CHECKSUM_BYTES))',
    becomes: 'says === undefined',
    caughtBy: 'test/lake/verify',
  },
  {
    name: 'no claim is written',
    file: COMMITS,
    line: 'if (!(await create(of, claim))) continue',
    becomes: '',
    caughtBy: 'regression/commit-protocol',
    short: true,
  },
  {
    name: 'a number that another owner has claimed is taken all the same',
    file: COMMITS,
    line: 'if (!(await create(of, claim))) continue',
    becomes: 'await create(of, claim)',
    caughtBy: 'regression/commit-protocol',
  },
  {
    name: 'a record that could not be created passes as created',
    file: COMMITS,
    line: 'if (!(await create(this.#of, record, ready))) throw this.#fenced(record.seq)',
    becomes: 'await create(this.#of, record, ready)',
    caughtBy: 'regression/commit-protocol',
  },
  {
    name: 'the offset is told to the log before the commit',
    file: 'src/archive/partition.ts',
    line: 'const record = await commits.commit(',
    becomes:
      'await this.#options.assignment.commit(contents.next).catch(() => undefined); const record = await commits.commit(',
    caughtBy: 'regression/random-failures',
    short: true,
  },
  {
    name: 'archiving once ends before the last files are published',
    file: 'src/archive/head.ts',
    line: 'there !== undefined && waiting === undefined',
    becomes: 'true',
    caughtBy: 'regression/kill-at-every-step',
  },
  {
    name: 'a rename that HDFS says it did not do passes as done',
    file: 'src/lake/webhdfs.ts',
    line: 'if (answer !== undefined && !isTrue(answer)) {',
    becomes: 'if (answer === null) {',
    caughtBy: 'test/lake/namenodes',
    short: true,
  },
  {
    name: 'the redo is skipped',
    file: COMMITS,
    line: 'if (last.value) await this.#publish(last.value)',
    becomes: '',
    caughtBy: 'regression/commit-protocol',
  },
  {
    name: 'the redo looks behind one claim only',
    file: 'src/archive/head.ts',
    line: 'while (record && !isWanted(record)',
    becomes: 'if (record && !isWanted(record)',
    caughtBy: 'regression/commit-protocol',
  },
  {
    name: 'staging is swept before the claim',
    file: COMMITS,
    line: 'if (!(await create(of, claim))) continue',
    becomes: 'await new CommitLog(of, claim).#sweep(); if (!(await create(of, claim))) continue',
    caughtBy: 'regression/commit-protocol',
    short: true,
  },
  {
    name: 'the staging of every fence is swept',
    file: COMMITS,
    line: 'if (fence < this.fence)',
    becomes: 'if (fence !== this.fence)',
    caughtBy: 'regression/commit-protocol',
  },
  {
    name: 'a rename that timed out is trusted',
    file: PUBLISH,
    line: "return 'unknown'",
    becomes: "return 'done'",
    caughtBy: 'regression/commit-protocol',
    short: true,
  },
  {
    name: 'a record that another owner has created passes as our own',
    file: CREATE,
    line: 'if (there) return there.id === record.id',
    becomes: 'if (there) return true',
    caughtBy: 'regression/commit-protocol',
  },
  {
    name: "a record that is ours after a time-out passes as another owner's",
    file: CREATE,
    line: 'if (there) return there.id === record.id',
    becomes: 'if (there) return false',
    caughtBy: 'test/archive/lost-answers',
    short: true,
  },
  {
    name: 'a name that is taken passes as renamed',
    file: PUBLISH,
    line: "return 'target taken'",
    becomes: "return 'done'",
    caughtBy: 'regression/commit-protocol',
  },
  {
    name: 'a record is created before the one before it is published',
    file: COMMITS,
    line: 'await publishBatch(this.#of, record)',
    becomes: 'void publishBatch(this.#of, record)',
    caughtBy: 'regression/commit-protocol',
  },
  {
    name: 'a partial temporary file is taken for the record',
    file: CREATE,
    line: 'of.lake.write(path, bytes)',
    becomes: 'of.lake.write(path.slice(0, -42), bytes)',
    caughtBy: 'regression/random-failures',
  },
  {
    name: 'a record counts whatever the checkpoints say',
    file: CREATE,
    line: 'return (await retrying(() => lastFolded(of.lake, log), of)) < record.seq',
    becomes: 'return true',
    caughtBy: 'regression/commit-protocol',
  },
  {
    name: 'what was read is published whatever has been folded since',
    file: COMMITS,
    line: 'if (folded >= this.fence) return false',
    becomes: '',
    caughtBy: 'test/archive/fold',
  },
  {
    name: 'a compaction begins amid a commit',
    file: COMMITS,
    line: 'const before = this.#turn',
    becomes: 'const before = Promise.resolve()',
    caughtBy: 'regression/commit-protocol',
  },
  {
    name: 'files are joined and removed at once',
    file: COMMITS,
    line: '    await this.#tending.take(signal)\n',
    becomes: '',
    caughtBy: 'regression/commit-protocol',
    short: true,
  },
  {
    name: 'files that are gone are joined',
    file: COMMITS,
    line: 'await checkThere(this.#of, joining.files)',
    becomes: 'await Promise.resolve()',
    caughtBy: 'regression/compaction',
  },
  {
    name: 'a file that is crossed out twice is there again',
    file: 'src/archive/file-changes.ts',
    line: "if (line && !('gone' in line)) this",
    becomes: 'if (line) this',
    caughtBy: 'test/archive/file-changes',
  },
  {
    name: 'a compaction that the lake refuses passes as done',
    file: JOIN,
    line: "if (outcome === 'refused' && (await bytesOf(of, joined.path)) === first.bytes) return false",
    becomes: "if (outcome === 'refused') return true",
    caughtBy: 'regression/compaction',
  },
  {
    name: 'a compaction is given up without a look at what came of it',
    file: JOIN,
    line: 'if (there === joined.bytes) return { ...given,',
    becomes: 'if (there === -1) return { ...given,',
    caughtBy: 'regression/compaction',
  },
  {
    name: 'what was joined is not removed',
    file: JOIN,
    line: 'await inLots(files, ({ path }) => retrying(',
    becomes: 'await inLots(files.slice(1_000), ({ path }) => retrying(',
    caughtBy: 'regression/compaction',
  },
  {
    name: 'a compaction that was given up counts all the same',
    file: 'src/archive/file-changes.ts',
    line: "if (record.kind !== 'void') this.#settle()",
    becomes: 'this.#settle()',
    caughtBy: 'regression/compaction',
  },
  {
    name: 'what a manifest crosses out is listed all the same',
    file: 'src/archive/manifest.ts',
    line: 'if (!gone) return same',
    becomes: 'if (gone || !gone) return same',
    caughtBy: 'regression/compaction',
  },
  {
    name: 'a commit begins before the one before it has ended',
    file: 'src/archive/partition.ts',
    line: '          await committing\n',
    becomes: '',
    caughtBy: 'regression/random-failures',
  },
  {
    name: 'a record is created before the files that it names are whole',
    file: CREATE,
    line: 'catch(ifRetryable), ready])',
    becomes: 'catch(ifRetryable)])',
    caughtBy: 'regression/random-failures',
  },
  {
    name: 'a batch that is staged again writes to the names of the failed one',
    file: 'src/archive/partition.ts',
    line: 'this.#batches++',
    becomes: '',
    caughtBy: 'regression/random-failures',
  },
  {
    name: 'who has lost a partition waits for a call that hangs',
    file: 'src/retry.ts',
    line: 'const abort = () => reject(signal.reason)',
    becomes: 'const abort = () => undefined',
    caughtBy: 'test/archive/leaving',
  },
  {
    name: 'records are removed up to the checkpoint, not up to its base',
    file: 'src/archive/fold.ts',
    line: 'await removeUpTo(lake, log, recordSeq, newest.base)',
    becomes: 'await removeUpTo(lake, log, recordSeq, newest.seq)',
    caughtBy: 'regression/commit-protocol',
  },
  {
    name: 'an owner that has lost the partition removes what it has folded',
    file: 'src/archive/fold.ts',
    line: ' || !(await isOwner())',
    becomes: '',
    caughtBy: 'test/archive/fold',
  },
  {
    name: 'a record is folded before its files are published',
    file: COMMITS,
    line: '      await this.#publish(record)\n      this.#ended()',
    becomes: '      this.#foldIfDue()\n      await this.#publish(record)\n      this.#ended()',
    caughtBy: 'test/archive/fold',
  },
  {
    name: 'a reader believes what it reads, whatever has been folded meanwhile',
    file: 'src/stats/partition-follower.ts',
    line: 'if (this.#problem || (this.#state?.seq ?? 0) > this.#sound) await this.#lookBack()',
    becomes: '',
    caughtBy: 'regression/commit-protocol',
  },
  {
    name: 'repair restores a record whose files are others',
    file: 'src/lake/repair-plan-records.ts',
    line: 'if (!file || !(await isSound(lake, path, file)))',
    becomes: 'if (!file)',
    caughtBy: 'regression/damaged-lake',
  },
  {
    name: 'repair puts whatever the log makes in the place of a file',
    file: 'src/lake/repair-plan-files.ts',
    line: 'if (again?.crc32 === file.crc32 && again.bytes === file.bytes) {',
    becomes: 'if (again) {',
    caughtBy: 'regression/damaged-lake',
  },
  {
    name: 'repair publishes a file that was damaged while it waited',
    file: 'src/lake/repair-plan-files.ts',
    line: 'if (sum.bytes !== file.bytes || sum.crc32 !== file.crc32) return',
    becomes: 'if (sum === null) return',
    caughtBy: 'regression/damaged-lake',
  },
]

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'music-faker-mutants-'))
  for (const part of ['src', 'test', 'regression', 'package.json', 'tsconfig.json']) {
    await cp(join(REPOSITORY, part), join(folder, part), { recursive: true })
  }
  await symlink(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'vitest.config.ts'), CONFIG)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs one test on the copy; resolves with what it prints. A mutant that never ends does not outlive the test of it. */
async function run(test: string): Promise<string> {
  const args = [VITEST, 'run', '--bail=1', `${test}.test.ts`]
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', FAULTS: 'short' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  onTestFinished(() => void (child.exitCode ?? process.kill(-(child.pid as number), 'SIGKILL')))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return out + err
}

describe('a mutant is found out', () => {
  it.each(MUTANTS.filter(({ short }) => LONG || short))(
    '$name ($caughtBy)',
    async ({ file, line, becomes, caughtBy }) => {
      const path = join(folder, file)
      const source = await readFile(path, 'utf8')
      expect(source.split(line), `${file} has this line once: ${line}`).toHaveLength(2)
      await writeFile(
        path,
        source.replace(line, () => becomes),
      )
      try {
        // Not because the mutant is no program, but because something came out wrong.
        expect(await run(caughtBy)).toMatch(
          /Error: (seed \d+|killed|refused|late|expected|promise resolved|promise rejected)/,
        )
      } finally {
        await writeFile(path, source)
      }
    },
    TIMEOUT_MS,
  )
})
