/**
 * npm run bench [-- NAME...] [--full]: runs the benchmarks, each in a process of its own, one after the other, and prints
 * each figure beside its ceiling from the same run. A Kafka and an HDFS are started for those that need them. Results go to
 * bench/results/<name>.json, and from all that are there docs/PERFORMANCE.md is made anew.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programArguments } from '../src/self.ts'
import { RESULTS, type StoredResult, writeDocument } from './document.ts'
import { header, line } from './print.ts'
import type { BenchResult } from './result.ts'
import { withCluster } from './site.ts'

/** Each, and whether it needs Kafka and HDFS. Filling a topic is left to the first that reads it. */
const BENCHMARKS: Record<string, { cluster: boolean }> = {
  generate: { cluster: false },
  read: { cluster: false },
  embedded: { cluster: false },
  dashboard: { cluster: false },
  produce: { cluster: true },
  archive: { cluster: true },
  flat: { cluster: true },
  scale: { cluster: true },
  latency: { cluster: true },
}
const LIMIT_MS = 300_000
const FULL_LIMIT_MS = 3_600_000

const run = promisify(execFile)
const words = process.argv.slice(2)
const full = words.includes('--full')
const asked = words.filter((word) => word !== '--full')
const unknown = asked.filter((name) => !(name in BENCHMARKS))
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are: ${Object.keys(BENCHMARKS).join(', ')}`)
  process.exit(2)
}
const machine = {
  node: process.version,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  system: `${process.platform} ${release()}`,
}

async function measure(name: string, environment: Record<string, string>): Promise<BenchResult> {
  const code = `const { run } = await import(${JSON.stringify(`./${name}.ts`)}); process.stdout.write(JSON.stringify(await run()) + '\\n')`
  const flags = programArguments().slice(0, -1)
  try {
    const { stdout } = await run(process.execPath, [...flags, '--input-type=module', '-e', code], {
      cwd: import.meta.dirname,
      env: { ...process.env, ...environment, ...(full && { BENCH_FULL: '1' }) },
      timeout: full ? FULL_LIMIT_MS : LIMIT_MS,
      maxBuffer: 16_777_216,
    })
    return lastOf(stdout)
  } catch (error) {
    const { stdout, stderr, killed, message } = error as Error & { stdout?: string; stderr?: string; killed?: boolean }
    const found = lastOf(stdout ?? '')
    const why = killed ? 'the time was over' : (stderr || message).trim().split('\n').slice(-6).join(' ')
    return { ...found, failures: [...(found.failures ?? []), why] }
  }
}

/** What the last whole line of a benchmark says. */
function lastOf(stdout: string): BenchResult {
  const lines = stdout.split('\n')
  const whole = lines.slice(0, -1).at(-1)
  return whole === undefined ? { figures: [] } : (JSON.parse(whole) as BenchResult)
}

/** @returns whether all of it could be measured. What could not says so in the document, in place of an older figure. */
async function measureAndKeep(name: string, environment: Record<string, string> = {}): Promise<boolean> {
  return keep(name, await measure(name, environment))
}

function keep(name: string, result: BenchResult): boolean {
  for (const figure of result.figures) console.log(line(figure))
  const { failures = [] } = result
  for (const failure of failures) console.log(`${name}: failed: ${failure}`)
  const stored: StoredResult = { ...result, at: new Date().toISOString(), machine, full }
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify(stored, null, 2)}\n`)
  return failures.length === 0
}

mkdirSync(RESULTS, { recursive: true })
console.log(`Node ${machine.node}, ${machine.cores} x ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}`)
console.log(header())
const names = Object.keys(BENCHMARKS).filter((name) => asked.length === 0 || asked.includes(name))
let failed = 0
for (const name of names.filter((name) => !BENCHMARKS[name]!.cluster)) if (!(await measureAndKeep(name))) failed++
const onCluster = names.filter((name) => BENCHMARKS[name]!.cluster)
if (onCluster.length > 0) {
  try {
    await withCluster(async (environment) => {
      for (const name of onCluster.splice(0)) if (!(await measureAndKeep(name, environment))) failed++
    })
  } catch (error) {
    // Those that are left had no services.
    for (const name of onCluster) keep(name, { figures: [], failures: [(error as Error).message] })
    failed++
  }
}
writeDocument()
process.exitCode = failed > 0 ? 1 : 0
