/** Dark or light: as the address says, else as chosen before, else as the system has it. */
import { computed, effect, signal } from '@preact/signals'
import type { Theme } from './address.ts'
import { go, here } from './here.ts'
import { recall, remember } from './memory.ts'

const system = window.matchMedia('(prefers-color-scheme: dark)')
const systemDark = signal(system.matches)
system.addEventListener('change', () => {
  systemDark.value = system.matches
})

const before = recall('theme')
const chosen = computed<Theme | undefined>(
  () => here.value.theme ?? (before === 'light' || before === 'dark' ? before : undefined),
)

export const theme = computed<Theme>(() => chosen.value ?? (systemDark.value ? 'dark' : 'light'))

export function toggleTheme(): void {
  const next = theme.value === 'dark' ? 'light' : 'dark'
  remember('theme', next)
  go({ theme: next }, 'replace')
}

effect(() => {
  document.documentElement.dataset.theme = theme.value
})
