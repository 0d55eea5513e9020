/**
 * npm run bench [-- NAME...]: runs the benchmarks, each in a process of its own, one after the other, and prints each
 * figure beside its ceiling from the same run. Results also go to bench/results/<name>.json.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BenchResult } from './result.ts'

const NAMES = ['generate', 'stats', 'produce', 'archive', 'embedded', 'cluster-produce', 'cluster-archive']
/** Each, with the start of Kafka and HDFS where it needs them. */
const LIMIT_MS = 180_000
const RESULTS = join(import.meta.dirname, 'results')

const run = promisify(execFile)

async function measure(name: string): Promise<BenchResult | string> {
  const code = `const { run } = await import(${JSON.stringify(`./${name}.ts`)}); process.stdout.write(JSON.stringify(await run()))`
  try {
    const { stdout } = await run(
      process.execPath,
      ['--max-semi-space-size=1', '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code],
      { cwd: import.meta.dirname, timeout: LIMIT_MS, maxBuffer: 16_777_216 },
    )
    return JSON.parse(stdout) as BenchResult
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string }
    return (stderr || message).trim().split('\n').slice(-3).join(' ')
  }
}

function line(result: BenchResult): string {
  const count = (n: number) => Math.round(n).toLocaleString('en-US')
  return [
    result.name.padEnd(38),
    `${count(result.figure)} ${result.unit}`.padStart(20),
    `${(result.figure / result.ceiling.figure).toFixed(2)} of ${count(result.ceiling.figure)}`.padStart(20),
    `${result.cpuSeconds.toFixed(1)} s`.padStart(8),
    `${count(result.peakMiB)} MiB`.padStart(9),
    `  ${result.ceiling.name}`,
  ].join(' ')
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !NAMES.includes(name))
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are: ${NAMES.join(', ')}`)
  process.exit(2)
}
mkdirSync(RESULTS, { recursive: true })
const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, platform: process.platform }
console.log(`Node ${process.version}, ${machine.cores} x ${machine.cpu}`)
console.log(
  `${'benchmark'.padEnd(38)} ${'figure'.padStart(20)} ${'of its ceiling'.padStart(20)} ${'CPU/M'.padStart(8)} ${'memory'.padStart(9)}   ceiling`,
)
let failed = false
for (const name of asked.length > 0 ? asked : NAMES) {
  const result = await measure(name)
  if (typeof result === 'string') {
    failed = true
    console.log(`${name.padEnd(38)} failed: ${result}`)
    continue
  }
  console.log(line(result))
  const file = join(RESULTS, `${name}.json`)
  writeFileSync(file, `${JSON.stringify({ ...result, at: new Date().toISOString(), machine }, null, 2)}\n`)
}
process.exitCode = failed ? 1 : 0
