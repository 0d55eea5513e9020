/** Engines of Python that read exports, where they are installed: for `python3`, or the one that MF_TEST_PYTHON names. */
import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const PYTHON = process.env.MF_TEST_PYTHON ?? 'python3'
const SCRIPT = fileURLToPath(new URL('read_export.py', import.meta.url))
const NEEDS = { pyarrow: ['pyarrow'], deltalake: ['deltalake', 'pyarrow'], pyspark: ['pyspark'] }
export type Engine = keyof typeof NEEDS

/** Why an engine is not there, for the name of a test that is skipped; undefined where it is. */
export function missing(engine: Engine): string | undefined {
  const looks = NEEDS[engine].map((name) => `import importlib.util as u; u.find_spec('${name}') or exit('${name}')`)
  const { error, stderr, status } = spawnSync(PYTHON, ['-c', looks.join('\n')], { encoding: 'utf8' })
  if (error) return `no ${PYTHON}`
  return status === 0 ? undefined : `${PYTHON} has no ${stderr.trim()}`
}

/** What an engine finds of `sumsOf` in a folder, or under a URL. */
export async function sumsBy(engine: Engine, ...where: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(PYTHON, [SCRIPT, engine, ...where])
  return stdout.trim().split(' ')
}
