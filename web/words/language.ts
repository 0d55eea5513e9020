/** The language of the page: the one chosen before, else the browser's, else English. */
import { computed, effect, signal } from '@preact/signals'
import { choose, type Language } from './choose.ts'
import { en, type Words } from './en.ts'
import { fr } from './fr.ts'

const KEY = 'music-faker.language'
const WORDS: Record<Language, Words> = { en, fr }

export const language = signal<Language>(choose(remembered(), navigator.languages))
export const words = computed(() => WORDS[language.value])

export function speak(chosen: Language): void {
  language.value = chosen
  try {
    localStorage.setItem(KEY, chosen)
  } catch {
    // Storage may be switched off; the choice then lasts as long as the page.
  }
}

effect(() => {
  document.documentElement.lang = language.value
  document.title = `${words.value.title} · music-faker`
})

function remembered(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}
