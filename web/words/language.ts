/** The language of the page: as the address says, else the one chosen before, else the browser's, else English. */
import { computed, effect } from '@preact/signals'
import { go, here } from '../data/here.ts'
import { recall, remember } from '../data/memory.ts'
import { choose, type Language } from './choose.ts'
import { en, type Words } from './en.ts'
import { fr } from './fr.ts'

const WORDS: Record<Language, Words> = { en, fr }
const otherwise = choose(recall('language'), navigator.languages)

export const language = computed<Language>(() => here.value.language ?? otherwise)
export const words = computed(() => WORDS[language.value])

export function speak(chosen: Language): void {
  remember('language', chosen)
  go({ language: chosen }, 'replace')
}

effect(() => {
  const { place } = here.value
  document.documentElement.lang = language.value
  document.title = `${place.kind === 'home' ? words.value.title : place.name} · music-faker`
})
