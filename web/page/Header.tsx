import { addressOf, follow, here } from '../data/here.ts'
import { paused, shown, togglePause } from '../data/store.ts'
import { theme, toggleTheme } from '../data/theme.ts'
import { LANGUAGES } from '../words/choose.ts'
import { language, speak, words } from '../words/language.ts'
import { Export } from './Export.tsx'
import { openHelp } from './Help.tsx'
import { Icon } from './Icon.tsx'
import { Logo } from './Logo.tsx'

export function Header() {
  const w = words.value
  const profile = shown.profile.value
  const home = { place: { kind: 'home' } } as const
  return (
    <header class="top">
      <div class="brand">
        <Logo />
        <div>
          <h1>
            <a href={addressOf(home)} onClick={follow(home)}>
              {w.title}
            </a>
          </h1>
          <p class="muted tiny">
            music-faker
            {profile && (
              <>
                {' '}
                · {w.profile[profile] ?? profile} · {w.topic} <bdi>{shown.topic.value}</bdi>
              </>
            )}
          </p>
        </div>
      </div>
      <div class="controls">
        <button type="button" class="button" aria-keyshortcuts="Space" onClick={togglePause}>
          <Icon name={paused.value ? 'play' : 'pause'} />
          {paused.value ? w.resume : w.pause}
        </button>
        {here.value.place.kind === 'home' && <Export />}
        <button
          type="button"
          class="button bare"
          aria-keyshortcuts="t"
          aria-label={theme.value === 'dark' ? w.lightTheme : w.darkTheme}
          title={theme.value === 'dark' ? w.lightTheme : w.darkTheme}
          onClick={toggleTheme}
        >
          <Icon name={theme.value === 'dark' ? 'sun' : 'moon'} />
        </button>
        <Languages />
        <button type="button" class="button bare" aria-label={w.help} title={w.help} onClick={openHelp}>
          <Icon name="help" />
        </button>
      </div>
    </header>
  )
}

const NAMES = { en: 'English', fr: 'Français' }

function Languages() {
  return (
    <fieldset class="choices languages">
      <legend class="hidden">{words.value.language}</legend>
      {LANGUAGES.map((code) => (
        <button
          key={code}
          type="button"
          lang={code}
          aria-pressed={language.value === code}
          aria-label={`${code.toUpperCase()} – ${NAMES[code]}`}
          title={NAMES[code]}
          onClick={() => speak(code)}
        >
          {code.toUpperCase()}
        </button>
      ))}
    </fieldset>
  )
}
