import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { copy } from '../data/copy.ts'
import { csvOfAll } from '../data/csv.ts'
import { save, textFile } from '../data/save.ts'
import { shownSnapshot } from '../data/store.ts'
import { tablesOnScreen } from '../data/tables.ts'
import { words } from '../words/language.ts'
import { Icon } from './Icon.tsx'

/** Takes what is on the screen along: as CSV, as JSON, or as a link. */
export function Export() {
  const w = words.value
  const open = useSignal(false)
  const copied = useSignal(false)
  const byHand = useSignal(false)
  const menu = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!open.value) return
    const close = (event: Event) => {
      if (event instanceof KeyboardEvent ? event.key === 'Escape' : !menu.current?.contains(event.target as Node)) {
        open.value = false
      }
    }
    document.addEventListener('pointerdown', close)
    document.addEventListener('keydown', close)
    return () => {
      document.removeEventListener('pointerdown', close)
      document.removeEventListener('keydown', close)
    }
  }, [open.value])
  const item = (text: string, act: () => void | Promise<void>) => (
    <button
      type="button"
      onClick={async () => {
        byHand.value = false
        try {
          await act()
        } finally {
          open.value = byHand.value
        }
      }}
    >
      {text}
    </button>
  )
  return (
    <div class="menu" ref={menu}>
      <button
        type="button"
        class="button"
        aria-label={copied.value ? w.copied : w.export}
        aria-expanded={open.value}
        aria-controls="export"
        onClick={() => {
          open.value = !open.value
          copied.value = false
          byHand.value = false
        }}
      >
        <Icon name="sheet" />
        <span class="wide-only">{copied.value ? w.copied : w.export}</span>
      </button>
      <div id="export" class="menu-items" hidden={!open.value}>
        {item(w.exportCsv, () => save('music-faker.csv', textFile(csvOfAll(tablesOnScreen()), 'text/csv')))}
        {item(w.exportJson, () => {
          const shown = { address: location.href, ...shownSnapshot() }
          save('music-faker.json', textFile(`${JSON.stringify(shown, null, 2)}\n`, 'application/json'))
        })}
        {item(w.copyLink, async () => {
          copied.value = await copy(location.href)
          byHand.value = !copied.value
        })}
        {byHand.value && <Address />}
      </div>
    </div>
  )
}

/** The address of the view, ready to be copied by hand. */
function Address() {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    field.current?.focus()
    field.current?.select()
  }, [])
  return (
    <label>
      {words.value.copyByHand}
      <input ref={field} value={location.href} readOnly />
    </label>
  )
}
