/** npm run torture: see USAGE in options.ts. */
import { appendFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { MusicFakerError } from '../../src/errors.ts'
import { Random } from '../../src/generate/random.ts'
import { expectExactlyOnce, type Verdict } from '../oracle.ts'
import { lotOnItsWay } from '../replay.ts'
import { record } from './document.ts'
import { readOptions, type TortureOptions, USAGE } from './options.ts'
import { countActs, lakeOf, longestPause, rowsOf, type TortureResult } from './result.ts'
import { System } from './system.ts'
import { torment } from './torment.ts'
import { Watch } from './watch.ts'

const STATUS_EVERY_MS = 10_000

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), Date.now())
  if (options === undefined) {
    process.stdout.write(USAGE)
    return 0
  }
  mkdirSync(options.out, { recursive: true })
  const result = await torture(options, untilInterrupted())
  writeFileSync(join(options.out, 'result.json'), `${JSON.stringify(result, null, 2)}\n`)
  if (options.record && result.clean) record(result)
  for (const [name, value] of rowsOf(result)) process.stdout.write(`${name.padEnd(32)} ${value}\n`)
  for (const problem of result.problems) process.stdout.write(`PROBLEM: ${problem}\n`)
  process.stdout.write(`${options.out} has the acts, the result and what each part said\n`)
  return result.clean ? 0 : 1
}

async function torture(options: TortureOptions, interrupted: AbortSignal): Promise<TortureResult> {
  const { minutes, seed, rate, out } = options
  const problems: string[] = []
  const begin = Date.now()
  const say = (text: string) => {
    const seconds = Math.round((Date.now() - begin) / 1000)
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
    process.stdout.write(`${clock.padStart(6)}  ${text}\n`)
    appendFileSync(join(out, 'torture.log'), `${clock.padStart(6)}  ${text}\n`)
  }
  const complain = (what: string) => {
    problems.push(what)
    say(`PROBLEM: ${what}`)
  }
  say(`starting Kafka and HDFS; seed ${seed}, ${minutes} minutes`)
  await using system = await System.open({ seed, rate, out, complain })
  const over = new AbortController()
  const watch = new Watch(system, complain, over.signal)
  const watching = watch.run()
  const status = setInterval(
    () => say(`${watch.total.toLocaleString('en-US')} events in the lake, ${system.produced.length} producers so far`),
    STATUS_EVERY_MS,
  )
  try {
    const begun = new Date()
    const signal = AbortSignal.any([interrupted, AbortSignal.timeout(minutes * 60_000)])
    const random = new Random(seed)
    const acts = await torment({
      ...{ system, random, signal, complain, file: join(out, 'acts.jsonl') },
      report: ({ name, victims, seconds }) =>
        say(
          `${name}${victims.length > 0 ? ` (${victims.map((each) => each.name).join(', ')})` : ''}${seconds > 0 ? ` ${seconds} s` : ''}`,
        ),
    })
    const length = Math.round((Date.now() - begun.getTime()) / 6_000) / 10
    say('coming to the end: producers stop, what is left is archived')
    await comeToRest(system)
    say('proving that every event is in the lake once')
    const proofBegin = performance.now()
    const verdict = await prove(system, complain)
    const proofSeconds = (performance.now() - proofBegin) / 1000
    // Their folder goes away, and with it what would tell why.
    if (problems.length > 0) cpSync(system.folder, join(out, 'data'), { recursive: true })
    return {
      ...{ clean: problems.length === 0, problems, begun: begun.toISOString(), minutes: length, seed, rate },
      machine: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${process.platform}`,
      ...{ acts: countActs(acts), lake: lakeOf(verdict), producers: system.produced.length },
      longestPause: longestPause(system.commits, acts),
      ...{ dashboard: { ...watch.dashboard }, memory: watch.peaks, proofSeconds },
    }
  } finally {
    clearInterval(status)
    over.abort()
    await watching
  }
}

/** As a user ends it: first those who produce, then those who archive, then what is left. */
async function comeToRest(system: System): Promise<void> {
  await system.startServices()
  await Promise.all(system.producers.map((producer) => producer.stop()))
  await Promise.all(system.archivers.map((archiver) => archiver.stop()))
  await system.archiveRest()
}

async function prove(system: System, complain: (what: string) => void): Promise<Verdict | undefined> {
  try {
    const ledgers = system.produced.map(({ ledger }) => ledger)
    const mayHold: Uint8Array[] = []
    for (const life of system.produced) mayHold.push(...(await lotOnItsWay(life)))
    return await expectExactlyOnce(system.config, ledgers, { mayHold, dashboard: system.dashboardUrl })
  } catch (error) {
    complain(`the proof failed: ${(error as Error).message}`)
    return undefined
  }
}

/** Aborts at the first SIGINT or SIGTERM; a second leaves at once, and the exit handler ends every process. */
function untilInterrupted(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143)
      process.stdout.write('ending early, still with the proof; once more to leave at once\n')
      controller.abort()
    })
  }
  return controller.signal
}

try {
  process.exitCode = await main()
} catch (error) {
  const { message, next } = error as MusicFakerError
  process.stderr.write(`${message}\n${next ?? (error as Error).stack}\n`)
  process.exitCode = error instanceof MusicFakerError && error.code === 'USAGE' ? 2 : 1
}
