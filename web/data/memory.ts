/** What the browser remembers for the next visit. Storage may be switched off: then a choice lasts as long as the page. */
export type Remembered = 'language' | 'theme' | 'shortcuts'

export function recall(what: Remembered): string | null {
  try {
    return localStorage.getItem(`music-faker.${what}`)
  } catch {
    return null
  }
}

export function remember(what: Remembered, value: string): void {
  try {
    localStorage.setItem(`music-faker.${what}`, value)
  } catch {
    // Nothing is lost but the memory.
  }
}
