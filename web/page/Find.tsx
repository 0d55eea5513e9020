import { useSignal } from '@preact/signals'
import { FIELDS } from '../data/address.ts'
import { go, toggleFilter } from '../data/here.ts'
import { shown } from '../data/store.ts'
import { nameOf } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Icon } from './Icon.tsx'

interface Found {
  key: string
  name: string
  /** What choosing it does. */
  does: string
  choose(): void
}

const MOST = 8
export const FIND_ID = 'find'

/** Type a country, a genre, an artist or a listener: filters by it, or opens its page. */
export function Find() {
  const w = words.value
  const text = useSignal('')
  const at = useSignal(0)
  const open = useSignal(false)
  const found = open.value && text.value.trim() !== '' ? search(text.value.trim()) : []
  const choose = (which: Found | undefined) => {
    if (which === undefined) return
    text.value = ''
    open.value = false
    which.choose()
  }
  return (
    <search class="find">
      <Icon name="search" />
      <input
        id={FIND_ID}
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        aria-label={w.find}
        aria-expanded={found.length > 0}
        aria-controls="found"
        aria-autocomplete="list"
        {...(found.length > 0 && { 'aria-activedescendant': `found-${at.value}` })}
        placeholder={w.find}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value
          at.value = 0
          open.value = true
        }}
        onBlur={() => {
          open.value = false
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            text.value = ''
            event.currentTarget.blur()
          } else if (event.key === 'Enter') choose(found[at.value])
          else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault()
            const by = event.key === 'ArrowDown' ? 1 : -1
            at.value = (at.value + by + found.length) % Math.max(1, found.length)
          }
        }}
      />
      <kbd>/</kbd>
      <div id="found" role="listbox" aria-label={w.find} hidden={found.length === 0}>
        {found.map((each, i) => (
          <div
            key={each.key}
            id={`found-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === at.value}
            onPointerDown={(event) => {
              event.preventDefault()
              choose(each)
            }}
          >
            <bdi>{each.name}</bdi>
            <span class="muted tiny">{each.does}</span>
          </div>
        ))}
      </div>
    </search>
  )
}

/** Values on the screen that hold the text, then the pages that it may name. */
function search(text: string): Found[] {
  const w = words.value
  const plain = (name: string) => name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
  const wanted = plain(text)
  const values = FIELDS.flatMap((field) =>
    (shown.distributions.value?.[field].values ?? []).map(([value]) => ({ field, value, name: nameOf(field, value) })),
  )
  const filters = values
    .filter(({ name }) => plain(name).includes(wanted))
    .sort((a, b) => Number(plain(b.name).startsWith(wanted)) - Number(plain(a.name).startsWith(wanted)))
    .map(({ field, value, name }) => ({
      key: `${field} ${value}`,
      name,
      does: w.fieldOne[field],
      choose: () => toggleFilter(field, value),
    }))
  const artists = (shown.top.value?.artists.values ?? []).map(({ name }) => name)
  const listeners = (shown.recent.value?.rows ?? []).map(({ user }) => user)
  const pages = [
    ...matching(artists, (name) => plain(name).includes(wanted)).map((name) => page('artist', name)),
    ...matching(listeners, (name) => plain(name).includes(wanted)).map((name) => page('listener', name)),
    page('artist', text),
    page('listener', text),
  ]
  const unique = new Map([...filters.slice(0, MOST - 2), ...pages].map((each) => [each.key, each]))
  return [...unique.values()].slice(0, MOST + 2)
}

const matching = (names: readonly string[], fits: (name: string) => boolean) =>
  [...new Set(names)].filter(fits).slice(0, 2)

function page(kind: 'artist' | 'listener', name: string): Found {
  return {
    key: `${kind} ${name}`,
    name,
    does: kind === 'artist' ? words.value.pageOfArtist : words.value.pageOfListener,
    choose: () => go({ place: { kind, name } }),
  }
}
