/** A disk of a test's own that can be filled: a tmpfs, which only root may mount. */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SIZE = '256m'
const BLOCKS = [1_048_576, 4_096]

export class SmallDisk {
  readonly folder: string
  readonly #filler: string

  private constructor(folder: string) {
    this.folder = folder
    this.#filler = join(folder, 'filler')
  }

  /** Mounts one at `folder`, which is there. */
  static mount(folder: string): SmallDisk {
    const { status, stderr } = asRoot('mount', '-t', 'tmpfs', '-o', `size=${SIZE},mode=1777`, 'tmpfs', folder)
    if (status !== 0) throw new Error(`a tmpfs cannot be mounted here: ${stderr?.trim()}`)
    return new SmallDisk(folder)
  }

  /** Why no disk can be mounted on this machine; undefined where it can. */
  static refusal(): string | undefined {
    const folder = mkdtempSync(join(tmpdir(), 'music-faker-disk-'))
    try {
      SmallDisk.mount(folder).unmount()
      return undefined
    } catch (error) {
      return (error as Error).message
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  /** Takes every byte that is free. */
  fill(): void {
    const file = openSync(this.#filler, 'a')
    for (const size of BLOCKS) {
      const block = Buffer.alloc(size)
      try {
        for (;;) writeSync(file, block)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    }
    closeSync(file)
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(this.#filler)
  }

  unmount(): void {
    asRoot('umount', '--lazy', this.folder)
  }
}

/** On a machine of continuous integration the user is not root, but may become it without a password. */
function asRoot(...command: string[]) {
  const [program = '', ...args] = process.getuid?.() === 0 ? command : ['sudo', '-n', ...command]
  return spawnSync(program, args, { encoding: 'utf8' })
}
