export const LANGUAGES = ['en', 'fr'] as const
export type Language = (typeof LANGUAGES)[number]

export function isLanguage(text: string | null): text is Language {
  return LANGUAGES.some((language) => language === text)
}

/** @param preferred the browser's languages, most wanted first, such as `fr-CA` */
export function choose(remembered: string | null, preferred: readonly string[]): Language {
  for (const wanted of [remembered, ...preferred]) {
    const known = LANGUAGES.find((language) => language === wanted?.split('-')[0]?.toLowerCase())
    if (known) return known
  }
  return 'en'
}
