/**
 * Names of artists, tracks and listeners, put together from the word lists of `@faker-js/faker`.
 *
 * Only its `en` locale is imported: 30 ms and 10 MiB, against 135 ms and 42 MiB for the whole package (Node 24). The
 * lists are used directly rather than through its functions, whose random state is shared by the whole process.
 */
import { faker } from '@faker-js/faker/locale/en'
import type { Random } from './random.ts'

const { person, word, location, color, date } = faker.definitions
const { female = [], male = [] } = person.first_name
const firstNames = [...new Set([...female, ...male])]
const userNames = firstNames.filter((name) => /^[A-Za-z]+$/.test(name)).map((name) => name.toLowerCase())
const { generic: lastNames = [] } = person.last_name
const adjectives = word.adjective.map(capitalised)
const nouns = word.noun.map(capitalised)
const verbs = word.verb.map(capitalised)
const colours = color.human.map(capitalised)
const cities = location.city_name
const weekdays = date.weekday.wide
const months = date.month.wide

const ARTIST_FORMS: readonly ((random: Random) => string)[] = [
  personName,
  personName,
  personName,
  personName,
  (random) => `The ${random.pick(adjectives)} ${random.pick(nouns)}`,
  (random) => `${random.pick(colours)} ${random.pick(nouns)}`,
  (random) => `${random.pick(firstNames)} & the ${random.pick(nouns)}`,
  (random) => `DJ ${random.pick(firstNames)} ${random.pick(nouns)}`,
]

const TITLE_FORMS: readonly ((random: Random) => string)[] = [
  (random) => `${random.pick(adjectives)} ${random.pick(nouns)}`,
  (random) => `${random.pick(verbs)} the ${random.pick(nouns)}`,
  (random) => `${random.pick(colours)} ${random.pick(nouns)}`,
  (random) => `${random.pick(cities)} Nights`,
  (random) => `${random.pick(nouns)} in ${random.pick(cities)}`,
  (random) => `${random.pick(months)} ${random.pick(nouns)}`,
  (random) => `${random.pick(weekdays)} in ${random.pick(cities)}`,
  (random) => `${random.pick(nouns)} for ${random.pick(firstNames)}`,
]
const TITLE_SUFFIXES = [' - Live', ' - Acoustic', ' - Remastered', ' - Radio Edit', ' - Instrumental']
const SUFFIXED_SHARE = 0.15

export function artistName(random: Random): string {
  return random.pick(ARTIST_FORMS)(random)
}

export function trackTitle(random: Random): string {
  const title = random.pick(TITLE_FORMS)(random)
  return random.float() < SUFFIXED_SHARE ? title + random.pick(TITLE_SUFFIXES) : title
}

/** Like `eric04`. */
export function userName(random: Random): string {
  return `${random.pick(userNames)}${String(random.below(100)).padStart(2, '0')}`
}

/**
 * A name from `propose` that `taken` does not hold yet, and now holds. Names are what tells artists, tracks and users
 * apart in an event, so two that shared one would be counted as one.
 */
export function distinctName(taken: Set<string>, random: Random, propose: (random: Random) => string): string {
  for (let attempt = 0; ; attempt++) {
    // Digits make room where the word lists run out.
    const name = attempt < 8 ? propose(random) : `${propose(random)}${random.below(1_000_000)}`
    if (taken.has(name)) continue
    taken.add(name)
    return name
  }
}

function personName(random: Random): string {
  return `${random.pick(firstNames)} ${random.pick(lastNames)}`
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
