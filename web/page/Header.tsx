import { paused, shown, togglePause } from '../data/store.ts'
import { LANGUAGES } from '../words/choose.ts'
import { language, speak, words } from '../words/language.ts'
import { Logo } from './Logo.tsx'
import { State } from './State.tsx'

export function Header() {
  const profile = shown.profile.value
  return (
    <header class="top">
      <div class="brand">
        <Logo />
        <div>
          <h1>{words.value.title}</h1>
          <p class="muted">
            music-faker
            {profile && (
              <>
                {' '}
                · {words.value.profile[profile] ?? profile} · {words.value.topic} <bdi>{shown.topic.value}</bdi>
              </>
            )}
          </p>
        </div>
      </div>
      <State />
      <div class="controls">
        <button type="button" class="button" onClick={togglePause}>
          <span class={paused.value ? 'icon-play' : 'icon-pause'} aria-hidden="true" />
          {paused.value ? words.value.resume : words.value.pause}
        </button>
        <Languages />
      </div>
    </header>
  )
}

const NAMES = { en: 'English', fr: 'Français' }

function Languages() {
  return (
    <fieldset class="languages">
      <legend class="hidden">{words.value.language}</legend>
      {LANGUAGES.map((code) => (
        <button
          key={code}
          type="button"
          lang={code}
          aria-pressed={language.value === code}
          aria-label={NAMES[code]}
          title={NAMES[code]}
          onClick={() => speak(code)}
        >
          {code.toUpperCase()}
        </button>
      ))}
    </fieldset>
  )
}
