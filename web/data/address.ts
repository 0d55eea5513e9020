/**
 * The whole state of the page as its address, so that a link shows another person the same:
 *
 *   /                       everything; /listener/eric04 and /artist/Carol%20Moore are pages of their own
 *   ?window=15m             1m, 5m, 15m, 60m, 24h; without it, all
 *   &country=FR&genre=Jazz  filters: events with one of the values of each field; also platform, device, action
 *   &when=5-18              and hours of the week, UTC: Friday from 18:00 on
 *   &theme=dark&lang=fr     where they were chosen
 *   &paused=1&embed=1
 */
import type { Dimension } from '../../src/dashboard/api.ts'
import type { Filter, Window } from '../../src/dashboard/api-view.ts'
import { isLanguage, type Language } from '../words/choose.ts'

export const WINDOWS = ['1m', '5m', '15m', '60m', '24h', 'all'] as const satisfies Window[]
export const FIELDS = ['country', 'genre', 'platform', 'device', 'action'] as const satisfies Dimension[]
/** What a view can be filtered by. */
export const FILTERS = [...FIELDS, 'when'] as const satisfies (keyof Filter)[]
export type FilterField = keyof Filter
const WEEK_HOUR = /^[1-7]-(?:1?\d|2[0-3])$/
/** Values that one field may be filtered by, as the API allows. */
const MAX_VALUES = 8

export type Theme = 'light' | 'dark'
export type Place = { kind: 'home' } | { kind: 'listener' | 'artist'; name: string }

export interface Address {
  place: Place
  window: Window
  filter: Filter
  /** Undefined: as remembered, else as the system has it. */
  theme: Theme | undefined
  /** Undefined: as remembered, else as the browser has it. */
  language: Language | undefined
  paused: boolean
  /** Without the controls, as part of another page. */
  embed: boolean
}

/** Reads an address. What it does not know, it ignores: a link from another version still opens. */
export function read({ pathname, search }: { pathname: string; search: string }): Address {
  const query = new URLSearchParams(search)
  const window = WINDOWS.find((each) => each === query.get('window')) ?? 'all'
  const theme = query.get('theme')
  const language = query.get('lang')
  const filter: Filter = {}
  for (const field of FILTERS) {
    const fits = (value: string) => (field === 'when' ? WEEK_HOUR.test(value) : value !== '')
    const values = [...new Set(query.getAll(field).filter(fits))].slice(0, MAX_VALUES)
    if (values.length > 0) filter[field] = values
  }
  return {
    place: readPlace(pathname),
    window,
    filter,
    theme: theme === 'light' || theme === 'dark' ? theme : undefined,
    language: isLanguage(language) ? language : undefined,
    paused: query.get('paused') === '1',
    embed: query.get('embed') === '1',
  }
}

/** Path and query that `read` gives back. */
export function write(address: Address): string {
  const query = new URLSearchParams(viewQuery(address))
  if (address.theme) query.set('theme', address.theme)
  if (address.language) query.set('lang', address.language)
  if (address.paused) query.set('paused', '1')
  if (address.embed) query.set('embed', '1')
  const text = query.toString()
  return text === '' ? writePlace(address.place) : `${writePlace(address.place)}?${text}`
}

/** The part that chooses the figures, as the API takes it too: the same view always gives the same text. */
export function viewQuery({ window, filter }: Pick<Address, 'window' | 'filter'>): string {
  const query = new URLSearchParams()
  if (window !== 'all') query.set('window', window)
  for (const field of FILTERS) {
    for (const value of [...(filter[field] ?? [])].sort()) query.append(field, value)
  }
  return query.toString()
}

/** Adds a value to a filter, or takes it away where it is there; the newest stay where there would be too many. */
export function toggled(filter: Filter, field: FilterField, value: string): Filter {
  const { [field]: before = [], ...rest } = filter
  const after = before.includes(value) ? before.filter((each) => each !== value) : [...before, value].slice(-MAX_VALUES)
  return after.length === 0 ? rest : { ...rest, [field]: after }
}

function readPlace(pathname: string): Place {
  const [, kind, name] = /^\/(listener|artist)\/(.+)$/.exec(pathname) ?? []
  if ((kind !== 'listener' && kind !== 'artist') || name === undefined) return { kind: 'home' }
  try {
    return { kind, name: decodeURIComponent(name) }
  } catch {
    return { kind: 'home' }
  }
}

function writePlace(place: Place): string {
  // A path cannot hold `.` and `..` as names, nor half a surrogate pair.
  if (place.kind === 'home' || /^\.\.?$/.test(place.name)) return '/'
  return `/${place.kind}/${encodeURIComponent(place.name.toWellFormed())}`
}
