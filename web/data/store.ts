/** What the page shows: one signal per section of the snapshot, so that a delta redraws only what it changes. */
import { batch, computed, type Signal, signal } from '@preact/signals'
import type { Delta, Sections, Snapshot } from '../../src/dashboard/api.ts'
import { go, here, view } from './here.ts'

type Shown = { [K in keyof Sections]: Signal<Sections[K] | undefined> }

/** Undefined until the first answer. */
export const shown: Shown = {
  profile: signal(undefined),
  topic: signal(undefined),
  health: signal(undefined),
  clocks: signal(undefined),
  rate: signal(undefined),
  totals: signal(undefined),
  distributions: signal(undefined),
  top: signal(undefined),
  durations: signal(undefined),
  series: signal(undefined),
  view: signal(undefined),
  viewTotals: signal(undefined),
  overTime: signal(undefined),
  hours: signal(undefined),
  skips: signal(undefined),
  published: signal(undefined),
  lag: signal(undefined),
  quarantine: signal(undefined),
  recent: signal(undefined),
  problems: signal(undefined),
}

/** The server's time of what is shown, ISO 8601 in UTC. */
export const shownAt = signal<string | undefined>(undefined)
/** The view that the figures on the screen are of. */
const shownView = signal<string | undefined>(undefined)
/** True while another view is asked for than is shown. */
export const turning = computed(() => shownView.value !== undefined && shownView.value !== view.value)

/** While paused the screen keeps still; what arrives is kept and shown on resuming. */
export const paused = computed(() => here.value.paused)

/** The server's clock less this browser's, in milliseconds: ages are right even where the browser's clock is wrong. */
export const clockOffset = signal(0)
/** The server's time, ticking. */
export const now = signal(Date.now())

let latest: Partial<Sections> = {}
let latestAt: string | undefined

/** Takes what the server says of a view. A view that was asked for is shown once even while paused. */
export function take(of: string, data: Snapshot | Delta): void {
  const { at, ...sections } = data
  latest = { ...latest, ...sections }
  latestAt = at
  batch(() => {
    const offset = Date.parse(at) - Date.now()
    // Small differences are the network's, and would make the ages jitter.
    if (Math.abs(offset - clockOffset.value) > 1_500) clockOffset.value = offset
    if (shownView.value !== of) {
      now.value = Date.now() + clockOffset.value
      shownView.value = of
      show(latest)
    } else if (!paused.value) show(sections)
  })
}

export function togglePause(): void {
  batch(() => {
    go({ paused: !paused.value }, 'replace')
    if (!paused.value) show(latest)
    tick()
  })
}

/** Moves the page's clock, unless paused. */
export function tick(): void {
  if (!paused.value) now.value = Date.now() + clockOffset.value
}

function show(sections: Partial<Sections>): void {
  shownAt.value = latestAt
  for (const key of Object.keys(sections) as (keyof Sections)[]) assign(key, sections)
}

function assign<K extends keyof Sections>(key: K, sections: Partial<Sections>): void {
  // A newer server may send sections that this page does not know.
  if (Object.hasOwn(shown, key)) shown[key].value = sections[key]
}

/** What is on the screen, as the API names it. */
export function shownSnapshot(): Record<string, unknown> {
  const sections = Object.entries(shown).map(([key, section]) => [key, section.peek()] as const)
  return { at: shownAt.peek(), ...Object.fromEntries(sections) }
}
