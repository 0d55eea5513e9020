/** What a cluster needs from this machine, each with the mend when it is missing. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { MusicFakerError } from '../errors.ts'

const JAVA_VERSION = 17
const FREE_BYTES = 1_000_000_000

const INSTALL_JAVA = 'Debian or Ubuntu: sudo apt install openjdk-17-jre-headless. macOS: brew install openjdk@17.'
const INSTALL_MAVEN = 'Debian or Ubuntu: sudo apt install maven. macOS: brew install maven.'
const OR_DOCKER = 'Or start Docker: with it, neither Java nor Maven is needed. Without any of them: music-faker start.'

/**
 * The Java to run with: the one of JAVA_HOME, else the first on the PATH.
 * @throws CLUSTER_MISSING
 */
export function requireJava(environment: NodeJS.ProcessEnv): string {
  const home = environment.JAVA_HOME
  const own = home === undefined ? undefined : join(home, 'bin', 'java')
  const java = own !== undefined && existsSync(own) ? own : 'java'
  const version = javaVersion(java, environment)
  if (version !== undefined && version >= JAVA_VERSION) return java
  const found = version === undefined ? 'no Java was found' : `this is Java ${version}`
  throw new MusicFakerError('CLUSTER_MISSING', `Kafka and HDFS need Java ${JAVA_VERSION} or newer, and ${found}`, {
    next: `${INSTALL_JAVA} ${OR_DOCKER}`,
  })
}

/** The major version of a Java, from the first line of `java -version`; undefined when it does not run. */
function javaVersion(java: string, environment: NodeJS.ProcessEnv): number | undefined {
  const { status, stderr } = spawnSync(java, ['-version'], { env: environment, encoding: 'utf8' })
  const version = status === 0 ? /version "(\d+)(?:\.(\d+))?/.exec(stderr) : null
  if (version === null) return undefined
  // Up to Java 8 the version was 1.8.
  return Number(version[1] === '1' ? version[2] : version[1])
}

/** @throws CLUSTER_MISSING */
export function requireMaven(environment: NodeJS.ProcessEnv): void {
  if (spawnSync('mvn', ['-version'], { env: environment }).status === 0) return
  throw new MusicFakerError('CLUSTER_MISSING', 'Maven (mvn), which downloads Kafka and HDFS, was not found', {
    next: `${INSTALL_MAVEN} ${OR_DOCKER}`,
  })
}

/**
 * Makes the folder where it is missing.
 * @throws CONFIG_INVALID when it cannot be written to, CLUSTER_FAILED when its disk is nearly full
 */
export function requireFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
  } catch (cause) {
    throw new MusicFakerError('CONFIG_INVALID', `cannot write to ${folder}: ${(cause as Error).message}`, {
      cause,
      next: 'Choose a folder you may write to with --data-dir or MF_DATA_DIR.',
    })
  }
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  if (free >= FREE_BYTES) return
  throw new MusicFakerError('CLUSTER_FAILED', `only ${Math.floor(free / 1e6)} MB are free on the disk of ${folder}`, {
    next: `Kafka and HDFS need ${FREE_BYTES / 1e6} MB to start: make room, or choose another disk with --data-dir.`,
  })
}
