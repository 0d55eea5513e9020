/**
 * Lake paths, the same in every adapter: absolute, `/`-separated, Unicode, no empty, `.` or `..` segment, no `:`.
 */
import { MusicFakerError } from '../errors.ts'

/**
 * Refuses what one of the adapters could not hold: HDFS has no `:` in names, the local folder no NUL, and a `..` could
 * leave the lake.
 * @throws USAGE
 */
export function checkPath(path: string): void {
  const [start, ...segments] = path.split('/')
  const odd = segments.some((segment) => segment === '' || segment === '.' || segment === '..')
  const absolute = start === '' && segments.length > 0
  if (absolute && (path === '/' || !odd) && path.isWellFormed() && !/[:\0]/.test(path)) return
  throw new MusicFakerError('USAGE', `${JSON.stringify(path)} is not a path in the lake`, {
    next: 'Write it like /music_events/year=2025/month=07: from "/", without "..", "//" and ":".',
  })
}

/** The folder of a path; `/` for what lies at the top. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')))
}

/** The path of `name` in `folder`. */
export function childOf(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`
}

/**
 * Orders names by their UTF-8 bytes, as HDFS does. JavaScript's own order differs: it puts surrogate pairs (U+10000 and
 * above) before U+E000..U+FFFF.
 */
export function compareNames(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    const surrogates = Number(isSurrogate(x)) - Number(isSurrogate(y))
    return surrogates !== 0 ? surrogates : x - y
  }
  return a.length - b.length
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}
