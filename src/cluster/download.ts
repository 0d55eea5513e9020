/**
 * The jars of Kafka and HDFS, fetched once per user by Maven from the poms in `cluster/`, and shared by every clone:
 *
 *   <cache>/music-faker/<kind>-<hash of the pom>/*.jar
 *   <cache>/music-faker/<kind>-<hash of the pom>/complete.json    {"<jar>": <bytes>, ...}
 *
 * The folder is made under another name and renamed, so that it is whole or absent; the list finds one that a cleaner
 * of caches has thinned out since.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { MusicFakerError } from '../errors.ts'
import { requireFolder, requireMaven } from './requirements.ts'
import type { Report } from './services.ts'
import { SETTINGS_FOLDER } from './site.ts'

export type JarKind = 'kafka' | 'hdfs'

const COMPLETE = 'complete.json'
const TITLES = { kafka: 'Kafka (54 MB)', hdfs: 'HDFS (75 MB)' }

/**
 * The folder that holds the jars, downloaded first where they are missing: 10 to 60 s each.
 * @throws CLUSTER_MISSING without Maven, CLUSTER_FAILED when the download fails
 */
export async function provideJars(kind: JarKind, options: { report: Report; signal: AbortSignal }): Promise<string> {
  const folder = jarFolder(kind)
  if (isComplete(folder)) return folder
  requireMaven(process.env)
  const parent = cacheFolder()
  requireFolder(parent)
  const started = Date.now()
  options.report(`downloading ${TITLES[kind]} from Maven Central, once ...`)
  const unfinished = mkdtempSync(join(parent, `${kind}-unfinished-`))
  try {
    await copyDependencies(kind, unfinished, options)
    writeFileSync(join(unfinished, COMPLETE), JSON.stringify(sizesOf(unfinished)))
    publish(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  options.report(`downloaded ${TITLES[kind]} in ${((Date.now() - started) / 1000).toFixed(1)} s to ${folder}`)
  return folder
}

/** Where the jars are, or would be. */
export function jarFolder(kind: JarKind): string {
  const pom = readFileSync(join(SETTINGS_FOLDER, kind, 'pom.xml'))
  return join(cacheFolder(), `${kind}-${createHash('sha256').update(pom).digest('hex').slice(0, 12)}`)
}

function cacheFolder(): string {
  const own = process.platform === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(homedir(), '.cache')
  return join(process.env.XDG_CACHE_HOME || own, 'music-faker')
}

function isComplete(folder: string): boolean {
  try {
    const sizes = JSON.parse(readFileSync(join(folder, COMPLETE), 'utf8')) as Record<string, number>
    return Object.entries(sizes).every(([jar, bytes]) => statSync(join(folder, jar)).size === bytes)
  } catch {
    return false
  }
}

function sizesOf(folder: string): Record<string, number> {
  return Object.fromEntries(readdirSync(folder).map((jar) => [jar, statSync(join(folder, jar)).size]))
}

/** Another command may have finished the same download meanwhile: its folder is as good. */
function publish(unfinished: string, folder: string): void {
  if (isComplete(folder)) return
  rmSync(folder, { recursive: true, force: true })
  try {
    renameSync(unfinished, folder)
  } catch (error) {
    if (!isComplete(folder)) throw error
  }
}

async function copyDependencies(
  kind: JarKind,
  target: string,
  { report, signal }: { report: Report; signal: AbortSignal },
): Promise<void> {
  mkdirSync(target, { recursive: true })
  const pom = join(SETTINGS_FOLDER, kind, 'pom.xml')
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${target}`]
  const maven = spawn('mvn', ['-B', '-f', pom, ...goal], { stdio: ['ignore', 'pipe', 'inherit'], signal })
  const closed = new Promise<number | null>((resolve, reject) => maven.once('close', resolve).once('error', reject))
  closed.catch(() => {})
  let downloaded = 0
  let failure = 'no reason given'
  for await (const line of createInterface({ input: maven.stdout })) {
    if (/Downloaded from .*\.jar /.test(line) && ++downloaded % 20 === 0) report(`  ${downloaded} files ...`)
    if (line.startsWith('[ERROR]') && failure === 'no reason given') failure = line.slice('[ERROR]'.length).trim()
  }
  if ((await closed) === 0) return
  throw new MusicFakerError('CLUSTER_FAILED', `Maven could not download ${TITLES[kind]}: ${failure}`, {
    next: 'Check the network, then try again. A proxy or a mirror is set in ~/.m2/settings.xml.',
  })
}
