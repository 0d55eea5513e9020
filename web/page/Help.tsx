import { shortcutsOn, switchShortcuts } from '../data/keys.ts'
import { words } from '../words/language.ts'
import { Icon } from './Icon.tsx'

const ID = 'help'

export function openHelp(): void {
  const dialog = document.getElementById(ID)
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal()
}

/** The keys, what the words on the page mean, and a switch for those whose speech types letters. */
export function Help() {
  const w = words.value
  return (
    <dialog id={ID} aria-labelledby="help-title">
      <form method="dialog">
        <h2 id="help-title">{w.help}</h2>
        <button type="submit" class="button bare" aria-label={w.close} title={w.close}>
          <Icon name="close" />
        </button>
      </form>
      <dl class="keys">
        {w.keys.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label class="switch">
        <input type="checkbox" checked={shortcutsOn.value} onChange={switchShortcuts} />
        {w.shortcuts}
      </label>
      <dl class="terms">
        {w.terms.map(([term, means]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd class="muted">{means}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  )
}
