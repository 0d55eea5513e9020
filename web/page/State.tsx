import { connectNow } from '../data/connection.ts'
import { status } from '../data/state.ts'
import { shownAt } from '../data/store.ts'
import { whole } from '../words/format.ts'
import { words } from '../words/language.ts'

/** The state in words. A screen reader hears it when it changes, not at each second of the countdown. */
export function State() {
  const { word } = status.value
  const seconds = 'seconds' in status.value ? status.value.seconds : undefined
  const means = status.value.word === 'stale' ? status.value.because : status.value.word
  return (
    <div class={`state state-${word}`}>
      <span class="state-mark" aria-hidden="true" />
      <div>
        <p class="state-word">
          <span role="status">{words.value.status[word]}</span>
          {seconds !== undefined && <span aria-hidden="true"> {countdown(word, whole(seconds))}</span>}
        </p>
        <p class="muted">
          {words.value.statusMeans[means]}
          {(word === 'paused' || word === 'disconnected') && ` ${lastKnown()}`}
        </p>
        {seconds !== undefined && (
          <button type="button" class="text-button" onClick={connectNow}>
            {words.value.retryNow}
          </button>
        )}
      </div>
    </div>
  )
}

function countdown(word: string, seconds: string): string {
  return word === 'disconnected' ? words.value.nextTry(seconds) : words.value.inSeconds(seconds)
}

/** When the server said what is on the screen. */
function lastKnown(): string {
  return shownAt.value === undefined ? '' : words.value.lastKnown(shownAt.value.slice(11, 19))
}
