/** Where the reader is: the address of the page as a signal, changed by links, controls, keys and the Back button. */
import { computed, signal } from '@preact/signals'
import { type Address, type FilterField, read, toggled, viewQuery, write } from './address.ts'

export const here = signal<Address>(read(location))
/** The view's query, for the API: changes only where the figures do. */
export const view = computed(() => viewQuery(here.value))

window.addEventListener('popstate', () => {
  here.value = read(location)
})

/** @param how `push` for what Back should undo */
export function go(change: Partial<Address>, how: 'push' | 'replace' = 'push'): void {
  const next = { ...here.value, ...change }
  here.value = next
  if (how === 'push') history.pushState(null, '', write(next))
  else history.replaceState(null, '', write(next))
}

export function toggleFilter(field: FilterField, value: string): void {
  go({ filter: toggled(here.value.filter, field, value) })
}

export const isFiltered = (field: FilterField, value: string): boolean =>
  here.value.filter[field]?.includes(value) ?? false

/** The address of another place, in the same window, filter and look: what a link points to. */
export const addressOf = (change: Partial<Address>): string => write({ ...here.value, ...change })

/** For a click on a link to `change`: stays in the page, unless another tab or window was asked for. */
export function follow(change: Partial<Address>) {
  return (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    go(change)
    window.scrollTo(0, 0)
  }
}
