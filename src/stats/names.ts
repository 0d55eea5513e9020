/**
 * Numbers for names that producers choose, in bounded memory: 0 is every name that is too long, or that came when all
 * places were taken. A number is given back when nothing refers to it any more.
 */
export class Names {
  readonly #limit: number
  readonly #charactersLimit: number
  #characters = 0
  readonly #numbers = new Map<string, number>()
  readonly #names: (string | undefined)[] = ['']
  #uses = new Uint32Array(1_024)
  readonly #free: number[] = []

  /** @param limit names at a time, and the UTF-16 units of all of them */
  constructor(limit: number, characters: number) {
    this.#limit = limit
    this.#charactersLimit = characters
  }

  /** Every number is below it. */
  get end(): number {
    return this.#names.length
  }

  /** Whether a name that has no number may have come all the same. */
  get full(): boolean {
    return this.#numbers.size >= this.#limit || this.#characters >= this.#charactersLimit
  }

  /** @returns the number of the name, once more in use until `release` */
  take(name: string): number {
    if (name === '') return 0
    let number = this.#numbers.get(name)
    if (number === undefined) {
      if (this.full) return 0
      number = this.#free.pop() ?? this.#names.length
      this.#names[number] = name
      this.#numbers.set(name, number)
      this.#characters += name.length
      if (number >= this.#uses.length) this.#grow()
    }
    this.#uses[number] = (this.#uses[number] as number) + 1
    return number
  }

  /** Takes a number that is in use once more. */
  keep(number: number): void {
    if (number !== 0) this.#uses[number] = (this.#uses[number] as number) + 1
  }

  /** @returns true when that was its last use, and the number is free */
  release(number: number): boolean {
    if (number === 0) return false
    const uses = (this.#uses[number] as number) - 1
    this.#uses[number] = uses
    if (uses > 0) return false
    const name = this.#names[number] as string
    this.#numbers.delete(name)
    this.#characters -= name.length
    this.#names[number] = undefined
    this.#free.push(number)
    return true
  }

  uses(number: number): number {
    return this.#uses[number] as number
  }

  /** Undefined where it is not known. */
  find(name: string): number | undefined {
    return this.#numbers.get(name)
  }

  name(number: number): string {
    return this.#names[number] ?? ''
  }

  #grow(): void {
    const larger = new Uint32Array(this.#uses.length * 2)
    larger.set(this.#uses)
    this.#uses = larger
  }
}
