import { status } from '../data/state.ts'

/** The bars move while events come. */
export function Logo() {
  return (
    <svg
      class={status.value.word === 'live' ? 'logo dancing' : 'logo'}
      viewBox="0 0 32 32"
      aria-hidden="true"
      focusable="false"
    >
      <rect class="logo-back" width="32" height="32" rx="8" />
      <rect class="logo-bar" x="6" y="14" width="4" height="11" rx="2" />
      <rect class="logo-bar" x="11.5" y="7" width="4" height="18" rx="2" />
      <rect class="logo-bar" x="17" y="11" width="4" height="14" rx="2" />
      <rect class="logo-bar" x="22.5" y="17" width="4" height="8" rx="2" />
    </svg>
  )
}
