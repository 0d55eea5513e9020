import { FILTERS, WINDOWS } from '../data/address.ts'
import { go, here, toggleFilter } from '../data/here.ts'
import { shown } from '../data/store.ts'
import { momentOf, nameOf, whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Find } from './Find.tsx'
import { Icon } from './Icon.tsx'

/** What the figures are of: the window, the filters, and a box to find more of them. */
export function Toolbar() {
  const w = words.value
  const { window, filter } = here.value
  const chips = FILTERS.flatMap((field) => (filter[field] ?? []).map((value) => ({ field, value })))
  return (
    <section class="toolbar" aria-label={w.toolbar}>
      <fieldset class="choices">
        <legend class="hidden">{w.window}</legend>
        {WINDOWS.map((each) => (
          <button key={each} type="button" aria-pressed={each === window} onClick={() => go({ window: each })}>
            {w.windows[each]}
          </button>
        ))}
      </fieldset>
      <Find />
      <div class="chips">
        {chips.length === 0 && <span class="muted tiny">{w.noFilter}</span>}
        {chips.map(({ field, value }) => (
          <button
            key={`${field} ${value}`}
            type="button"
            class="chip"
            title={w.unfilter(nameOf(field, value))}
            onClick={() => toggleFilter(field, value)}
          >
            <span class="muted tiny">{w.fieldOne[field]}</span> <bdi>{nameOf(field, value)}</bdi>
            <span class="hidden">, {w.removeFilter}</span>
            <Icon name="close" />
          </button>
        ))}
        {chips.length > 0 && (
          <button type="button" class="text-button" onClick={() => go({ filter: {} })}>
            {w.clearFilters}
          </button>
        )}
      </div>
      <Span />
    </section>
  )
}

/** Where the window ends in the past, or events are missing from the view, it is said. */
function Span() {
  const w = words.value
  const view = shown.view.value
  if (!view) return null
  const old = view.endsAt === 'newest_event' && view.from !== null
  if (!old && view.unknown === 0) return null
  return (
    <p class="muted tiny">
      {old && w.endsAtNewest(momentOf(Date.parse(view.to), 60))}
      {view.unknown > 0 && ` ${w.unknownEvents(whole(view.unknown))}`}
    </p>
  )
}
