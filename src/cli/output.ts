/**
 * Where a command writes. Results go to stdout and honour its backpressure; talk goes to stderr and is left out with
 * --quiet, and with --json, so that stderr then holds nothing but the error document.
 */
import { once } from 'node:events'
import { styleText } from 'node:util'
import { MusicFakerError } from '../errors.ts'
import { Progress } from './progress.ts'

type Style = Parameters<typeof styleText>[0]

export interface OutputOptions {
  json: boolean
  quiet: boolean
  /** False turns colours off; true leaves the choice to the terminal, NO_COLOR and FORCE_COLOR. */
  color: boolean
  stdout?: NodeJS.WriteStream
  stderr?: NodeJS.WriteStream
}

export class Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly #color: boolean
  readonly #stdout: NodeJS.WriteStream
  readonly #stderr: NodeJS.WriteStream
  #closed = false
  #lineShown = false

  constructor(options: OutputOptions) {
    this.json = options.json
    this.quiet = options.quiet || options.json
    this.#color = options.color
    this.#stdout = options.stdout ?? process.stdout
    this.#stderr = options.stderr ?? process.stderr
  }

  /** True when results are read by a person: foreign text must then be escaped. */
  get terminal(): boolean {
    return this.#stdout.isTTY === true
  }

  /** The one result of a command: `value` as a JSON document with --json, else `text`. */
  async result(value: unknown, text: string | (() => string)): Promise<void> {
    const shown = this.json ? JSON.stringify(value, null, 2) : typeof text === 'string' ? text : text()
    await this.write(`${shown}\n`)
  }

  /** One of many results: `value` as a JSON line with --json, else `text`. */
  async item(value: unknown, text: string | (() => string)): Promise<void> {
    await this.write(`${this.json ? JSON.stringify(value) : typeof text === 'string' ? text : text()}\n`)
  }

  /** Writes to stdout as it is; resolves when more may be written. Does nothing once the reader has gone. */
  async write(chunk: string | Uint8Array): Promise<void> {
    if (this.#closed || this.#stdout.write(chunk)) return
    // A reader that goes away meanwhile emits "close", never "drain".
    const settled = new AbortController()
    try {
      await Promise.race(['drain', 'close'].map((event) => once(this.#stdout, event, { signal: settled.signal })))
    } catch (error) {
      if (!this.#closed) throw error
    } finally {
      settled.abort()
    }
  }

  /** Talk: one line, or several, on stderr. */
  say(text: string): void {
    if (!this.quiet) this.#print(text)
  }

  /** Errors and what must be read even with --quiet. */
  complain(text: string): void {
    this.#print(text)
  }

  /** Starts showing how far work is. With --quiet or --json it stays silent. */
  progress(options: { total?: number | undefined; unit?: string } = {}): Progress {
    return new Progress(
      {
        terminal: this.#stderr.isTTY === true,
        rewrite: (line) => this.#rewrite(line),
        print: (line) => this.say(line),
      },
      options,
    )
  }

  /** Colours `text` for stdout where it is a terminal that wants colours. */
  paint(style: Style, text: string): string {
    return this.#color ? styleText(style, text, { stream: this.#stdout }) : text
  }

  /** The same for stderr. */
  paintTalk(style: Style, text: string): string {
    return this.#color ? styleText(style, text, { stream: this.#stderr }) : text
  }

  /**
   * Listens for the end of stdout.
   * @param on.readerGone nobody reads any more (`| head`); writing then does nothing
   * @param on.failed     what was written is lost, such as on a full disk
   */
  watch(on: { readerGone: () => void; failed: (error: MusicFakerError) => void }): void {
    this.#stdout.on('error', (cause: NodeJS.ErrnoException) => {
      this.#closed = true
      if (cause.code === 'EPIPE') return on.readerGone()
      on.failed(
        new MusicFakerError('INTERNAL', `cannot write the results to stdout: ${cause.message}`, {
          cause,
          next: 'Check the file or the program that they go to.',
        }),
      )
    })
    // Talk that nobody reads is no reason to stop.
    this.#stderr.on('error', () => {})
  }

  /** Resolves when all that was written has left the process. */
  async flush(): Promise<void> {
    for (const stream of [this.#stdout, this.#stderr]) {
      if (stream.writableLength > 0 && !stream.destroyed) await new Promise((resolve) => stream.write('', resolve))
    }
  }

  #print(text: string): void {
    this.#rewrite('')
    this.#stderr.write(`${text}\n`)
  }

  #rewrite(line: string): void {
    if (this.quiet || (line === '' && !this.#lineShown)) return
    // A terminal that nobody gave a size says 0.
    const columns = this.#stderr.columns || 80
    this.#stderr.write(`\r\u001b[2K${line.slice(0, columns - 1)}`)
    this.#lineShown = line !== ''
  }
}
