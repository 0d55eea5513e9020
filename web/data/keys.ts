/** Keys that work wherever the focus is, except where one types. They can be switched off: speech input types letters. */
import { signal } from '@preact/signals'
import { WINDOWS } from './address.ts'
import { go } from './here.ts'
import { recall, remember } from './memory.ts'
import { togglePause } from './store.ts'
import { toggleTheme } from './theme.ts'

export const shortcutsOn = signal(recall('shortcuts') !== 'off')

export function switchShortcuts(): void {
  shortcutsOn.value = !shortcutsOn.value
  remember('shortcuts', shortcutsOn.value ? 'on' : 'off')
}

/** @param on what the page does for `/` and `?`; call once */
export function listenToKeys(on: { find(): void; help(): void }): void {
  const keys: Record<string, () => void> = { ' ': togglePause, t: toggleTheme, '/': on.find, '?': on.help }
  WINDOWS.forEach((window, i) => {
    keys[i + 1] = () => go({ window })
  })
  document.addEventListener('keydown', (event) => {
    if (!shortcutsOn.value || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined
    if (act === undefined || takesKeys(event.target, event.key)) return
    event.preventDefault()
    act()
  })
}

/** Whether the key means something of its own where the focus is. */
function takesKeys(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof Element)) return false
  if (target.closest('input, textarea, select, dialog')) return true
  return key === ' ' && target.closest('button, a, summary, [role="button"]') !== null
}
